"""The fork of a command that its Python workers descend from."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

#: A command: it makes a template, which says what it is and what it was asked instead of forking workers.
COMMAND = """
import json, os, sys
from types import SimpleNamespace
from synth_spark.pipeline.workers import template
from synth_spark.runtime import session

def manager():
    asked = sys.stdin.readline()
    told = {"command": command, "environment": dict(os.environ), "arguments": sys.argv[1:], "asked": asked}
    files = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    print(json.dumps(told | {"open": [file for file in files if file in (secret, pipe)]}), flush=True)
    sys.exit(3)

command, secret, pipe = os.getpid(), sys.argv[1], os.path.realpath("/proc/self/fd/1")
kept = open(secret, "w")
session.is_local = lambda spark: True
template.preload, template.run_manager = lambda: None, manager
context = SimpleNamespace(environment={})
template.make_template(SimpleNamespace(sparkContext=context))
print(context.environment[template.SOCKET], flush=True)
sys.stdin.read()
"""
DAEMON = [sys.executable, "-m", "synth_spark.pipeline.workers.daemon", "pyspark.worker"]


@pytest.fixture
def command(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", COMMAND, str(tmp_path / "secret.csv")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as command:
        yield command


@pytest.fixture
def door(command: subprocess.Popen[str]) -> Path:
    """Where the command's template waits."""
    assert command.stdout is not None
    return Path(command.stdout.readline().strip())


def ask(door: Path, patience: float | None = None) -> "subprocess.CompletedProcess[str]":
    """What Spark starts for its workers, told of a template and of something more."""
    environment = {"PATH": os.environ["PATH"], "SYNTH_SPARK_WORKERS": str(door), "SECRET": "of this worker"}
    asked = {"env": environment, "input": "a port?\n", "capture_output": True, "text": True, "check": False}
    return subprocess.run(DAEMON, timeout=patience, **asked)


def test_workers_descend_from_the_command(command: subprocess.Popen[str], door: Path) -> None:
    """With the streams, the words and the environment of the process that Spark started, time after time."""
    for _ in range(2):
        told = json.loads(ask(door).stdout)
        assert told["command"] == command.pid
        assert told["asked"] == "a port?\n"
        assert told["arguments"] == ["pyspark.worker"]
        assert told["environment"]["SECRET"] == "of this worker"
        assert "HOME" not in told["environment"]


def test_no_file_of_the_command_stays_open(command: subprocess.Popen[str], door: Path) -> None:
    assert command.poll() is None
    assert json.loads(ask(door).stdout)["open"] == []


@pytest.mark.parametrize("end", ["it is done", "it is killed"])
def test_a_template_ends_with_its_command(command: subprocess.Popen[str], door: Path, end: str) -> None:
    """Whoever waits for the command's output sees its end, too."""
    assert door.exists()
    if end == "it is killed":
        command.send_signal(signal.SIGKILL)
    command.communicate(timeout=60)
    until = time.monotonic() + 60
    while door.parent.exists() and time.monotonic() < until:
        time.sleep(0.01)
    assert not door.parent.exists()


def test_without_a_template_workers_are_loaded_by_themselves(tmp_path: Path) -> None:
    """Nobody is behind the door; Spark gets the number of a port all the same."""
    environment = os.environ | {"SYNTH_SPARK_WORKERS": str(tmp_path / "nobody")}
    result = subprocess.run(DAEMON, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert 0 < int.from_bytes(result.stdout, "big") < 1 << 16


def test_noise_that_is_drawn_in_forks_is_not_the_same() -> None:
    """The sampler asks the operating system: neither a fork nor the process that it comes from repeats the other's."""
    code = """
import os
from synth_spark.privacy import Sigma
from synth_spark.privacy.mechanisms import VettedNoise
draw = lambda: print(*VettedNoise().gaussian(4, Sigma(1e6)), flush=True)
draw()
for _ in range(3):
    if os.fork() == 0:
        draw()
        os._exit(0)
    os.wait()
draw()
"""
    drawn = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert len(drawn) == len(set(drawn)) == 20


#: A command that has written to a store before its session is there; the workers of its template write there, too.
STORED = """
import json, os, sys
from types import SimpleNamespace
import obstore.store
from synth_spark.pipeline.workers import template
from synth_spark.runtime import session

def threads():
    names = [open(f"/proc/self/task/{one}/comm").read().strip() for one in os.listdir("/proc/self/task")]
    return [name for name in names[1:] if name != "jemalloc_bg_thd"]

def manager():
    before = threads()
    place("s3://bucket/folder").write("of-a-worker", b"1")
    print(json.dumps({"threads": before, "read": place("s3://bucket/folder").read("of-a-worker").decode()}), flush=True)

memory = obstore.store.MemoryStore()
obstore.store.from_url = lambda *_, **__: memory
from synth_spark.storage.places import place
session.is_local = lambda spark: True
template.preload, template.run_manager = lambda: None, manager
if "early" in sys.argv:
    template.fork_before_stores()
place("s3://bucket/folder").write("of-the-command", b"1")
assert threads(), "the library of stores has threads"
context = SimpleNamespace(environment={})
template.prepare_template()
template.make_template(SimpleNamespace(sparkContext=context))
print(context.environment.get(template.SOCKET, ""), flush=True)
sys.stdin.read()
"""


def test_workers_of_a_command_that_has_opened_a_store_open_it_themselves() -> None:
    """A fork loses the threads of the store's library, so no template has any: else this waits for ever."""
    words = [sys.executable, "-c", STORED, "early"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as command:
        assert command.stdout is not None
        door = command.stdout.readline().strip()
        try:
            assert door, "a template was forked before the store was opened"
            for _ in range(2):
                told = json.loads(ask(Path(door), patience=60).stdout)
                assert told["read"] == "1"
                assert told["threads"] == []
        finally:
            command.communicate()


def test_a_command_that_has_opened_a_store_forks_no_template_any_more() -> None:
    """Its workers are loaded by themselves."""
    done = subprocess.run([sys.executable, "-c", STORED], input="", capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
