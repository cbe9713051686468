"""What a process says on standard error: what is dropped, what is passed on and when; and a JVM that does not start."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext

import pytest
from pyspark.core import context

from synth_spark.runtime import logs
from synth_spark.runtime.jvm_output import NEEDLESS, Ear, heard

(NEEDLESS_LINE,) = (line.decode() for line in NEEDLESS)


@pytest.fixture
def said() -> Callable[..., list[tuple[bytes, bool]]]:
    """What is told of what a shell's command says; the ear is let go, and tells or forgets, after the first command."""

    def hear(*commands: str, held: bool = False, told: bool = True) -> list[tuple[bytes, bool]]:
        lines: list[tuple[bytes, bool]] = []
        ear = Ear(lambda line, starting: lines.append((line, starting)), held)
        for number, command in enumerate(commands):
            subprocess.run(["sh", "-c", f"({command}) >&2"], stderr=ear.end, check=True)
            ear.catch_up()
            if number == 0:
                assert not (held and lines)
                ear.let_go(told)
        return lines

    return hear


def test_the_needless_line_is_dropped_and_no_other(said: Callable[..., list[tuple[bytes, bool]]]) -> None:
    found = said(f"echo one; echo '{NEEDLESS_LINE}'; echo '{NEEDLESS_LINE}, jdk.other'; echo ' {NEEDLESS_LINE}'; echo")
    assert [line.decode() for line, _ in found] == [
        "one\n", f"{NEEDLESS_LINE}, jdk.other\n", f" {NEEDLESS_LINE}\n", "\n",
    ]  # fmt: skip


def test_bytes_that_are_no_text_and_a_line_without_an_end_are_passed_on(
    said: Callable[..., list[tuple[bytes, bool]]],
) -> None:
    assert said(r"printf 'a\377\000b\nend'", "printf 'more\n'") == [
        (b"a\xff\x00b\n", True), (b"end", True), (b"more\n", False),
    ]  # fmt: skip


def test_what_fills_the_pipe_many_times_stops_nobody(said: Callable[..., list[tuple[bytes, bool]]]) -> None:
    found = said("i=0; while [ $i -lt 2000 ]; do printf '%0999d\n' $i; i=$((i + 1)); done")
    assert [int(line) for line, _ in found] == list(range(2000))


@pytest.mark.parametrize("told", [True, False])
def test_what_was_held_back_is_told_or_forgotten(told: bool, said: Callable[..., list[tuple[bytes, bool]]]) -> None:
    greeting = [(b"hello\n", True)] if told else []
    assert said("echo hello", "echo late", held=True, told=told) == [*greeting, (b"late\n", False)]


def test_what_is_kept_is_told_when_it_is_asked_for() -> None:
    """The last lines, once; and what JSON tells of a line is told at once."""
    lines: list[bytes] = []
    ear = Ear(lambda line, starting: lines.append(line), held=True, kept=True)
    ear.let_go(shown=False)

    def say(command: str) -> None:
        subprocess.run(["sh", "-c", f"({command}) >&2"], stderr=ear.end, check=True)
        ear.catch_up()

    say("i=0; while [ $i -lt 100 ]; do echo $i; i=$((i + 1)); done")
    assert lines == []
    for _ in range(2):
        ear.tell_kept()
        assert [int(line) for line in lines] == list(range(40, 100))
    lines.clear()
    with logs.written(as_json=True):
        say("echo later")
    assert lines == [b"later\n"]


@pytest.mark.parametrize("told", [True, False])
def test_the_packages_that_were_found_are_told_only_by_a_jvm_that_does_not_start(
    told: bool, said: Callable[..., list[tuple[bytes, bool]]]
) -> None:
    """``let_go`` is asked to show what was held back where it does not."""
    found = [
        ":: loading settings :: url = x", "Ivy Default Cache set to: x", "The jars for the packages stored in: x",
        "org#package added as a dependency", "\tconfs: [default]", "\tfound org#package;1.0 in central",
        "downloading https://x/y.jar ...", "\t[SUCCESSFUL ] org#package;1.0 (1ms)", ":: retrieving :: x",
    ]  # fmt: skip
    other = ["WARNING: something", "\tat org.Other.method(Other.java:1)"]
    written = "\n".join([*found, *other])
    lines = [line.decode().rstrip("\n") for line, _ in said(f"cat <<'END'\n{written}\nEND\n", "echo ::", told=told)]
    assert lines == [*other, *(found if told else []), "::"]


def test_a_line_is_passed_on_as_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    logs.pass_on(b"said\n")
    with logs.written(as_json=True):
        logs.pass_on(b"Anna Jones\n")
        logs.pass_on(b"no memory\n", with_words=True)
    first, *rest = capfd.readouterr().err.splitlines()
    assert first == "said"
    found = [{key: value for key, value in json.loads(line).items() if key != "time"} for line in rest]
    assert found == [
        {"level": "warning", "event": "library", "logger": "java"},
        {"level": "error", "event": "java", "text": "no memory"},
    ]


#: In a process of its own: PySpark starts a JVM by a fork, which may wait for ever where other threads are.
_LAUNCH = """
import sys
from pyspark import SparkConf
from pyspark.core import context
from synth_spark.errors import EngineError
from synth_spark.runtime.jvm_output import heard
launch = context.launch_gateway
try:
    with heard(sys.argv[1] == "True"):
        context.launch_gateway(SparkConf(loadDefaults=False))
except EngineError as error:
    assert context.launch_gateway is launch
    print(error)
"""


@pytest.mark.parametrize("quiet", [True, False])
def test_a_jvm_that_does_not_start_is_heard(quiet: bool) -> None:
    environment = {**os.environ, "SPARK_SUBMIT_OPTS": "-Xms9x"}
    line = [sys.executable, "-c", _LAUNCH, str(quiet)]
    told = subprocess.run(line, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert told.stdout.startswith("java: ended before Spark had started")
    assert "Invalid initial heap size: -Xms9x\n" in told.stderr


@pytest.mark.parametrize(
    ("quiet", "fails", "told"), [(True, False, ""), (True, True, "hello\n"), (False, False, "hello\n")]
)
def test_quiet_tells_a_greeting_only_where_no_session_came_of_it(
    quiet: bool, fails: bool, told: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def greet(conf: object, popen_kwargs: dict[str, int]) -> None:
        subprocess.run(["sh", "-c", "echo hello >&2"], check=True, **popen_kwargs)

    monkeypatch.setattr(context, "launch_gateway", greet)
    with pytest.raises(ZeroDivisionError) if fails else nullcontext(), heard(quiet):
        context.launch_gateway()
        assert not fails or 1 / 0
    assert capfd.readouterr().err == told
