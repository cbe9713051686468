"""Folders of a real HDFS: what is left of a writer that dies or loses an answer, who may read, what errors say."""

import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
from hdfs_native import Client

from synth_spark.errors import RunError
from synth_spark.storage.append_log import opened
from synth_spark.storage.held import is_unfinished
from synth_spark.storage.places import Place, place

_NUMBERS = count()
#: A process that is killed when a new file has its content, and is not closed yet.
_KILLED = """
import os, signal, sys
from hdfs_native import FileWriter
from synth_spark.storage.places import place
FileWriter.hsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
getattr(place(sys.argv[1]), sys.argv[2])("a", b"after")
"""
#: A process that works in HDFS before it forks and after it, and is ended by the clock where it waits for ever.
_FORKED = """
import os, signal, sys
from synth_spark.storage.places import place
folder = place(sys.argv[1])
folder.write("before", b"1")
if os.fork() == 0:
    signal.alarm(20)
    folder.write("after", folder.read("before"))
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
"""


@pytest.fixture
def folder(hdfs: str) -> Place:
    return place(f"{hdfs}/folders/{next(_NUMBERS)}")


def process(code: str, *words: str) -> int:
    return subprocess.run([sys.executable, "-c", code, *words], check=False).returncode


def hidden(folder: Place) -> list[str]:
    host, _, path = folder.address.removeprefix("hdfs://").partition("/")
    return [one.path for one in Client(f"hdfs://{host}").list_status(f"/{path}", True) if is_unfinished(one.path)]


def test_a_writer_that_is_killed_before_it_closes_a_file_has_made_none(
    folder: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it leaves is hidden, taken for no file, and removed once nobody can be writing it."""
    assert process(_KILLED, folder.address, "create") == -9
    assert folder.read("a") is None
    assert folder.entries(deep=True) == []
    assert len(hidden(folder)) == 1
    assert folder.create("a", b"before")
    assert process(_KILLED, folder.address, "write") == -9
    assert folder.read("a") == b"before"
    assert folder.abandoned() == []
    monkeypatch.setattr("synth_spark.storage.hdfs_places._GRACE", -60.0)
    assert len(folder.abandoned()) == 2
    folder.remove_abandoned([*folder.abandoned(), "a"])
    assert hidden(folder) == []
    assert folder.read("a") == b"before"


def test_a_file_is_there_for_readers_once_it_is_whole(folder: Place, tmp_path: Path) -> None:
    content = bytes(range(256)) * 40_000
    (tmp_path / "here").write_bytes(content)
    folder.upload(tmp_path / "here", "x/large")
    assert [(one.name, one.size) for one in folder.entries(deep=True)] == [("x/large", len(content))]
    assert folder.digest("x/large") == place(str(tmp_path)).digest("here")
    assert folder.download("x/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    assert not folder.download("x", tmp_path / "nothing")
    assert folder.digest("nothing") is None


def test_what_is_prepared_takes_its_space_before_it_is_in_place(folder: Place) -> None:
    with folder.prepared({"a": b"1", "x/b": b"2"}) as put:
        assert len(hidden(folder)) == 2
        assert folder.read("a") is None
        put()
    assert (folder.read("a"), folder.read("x/b")) == (b"1", b"2")
    with folder.prepared({"a": b"3"}):
        pass
    assert folder.read("a") == b"1"
    assert hidden(folder) == []


@pytest.mark.parametrize("lost", [FileNotFoundError("asked again"), ConnectionAbortedError("no answer")])
def test_an_entry_whose_answer_is_lost_is_there_once(
    folder: Place, lost: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client may ask again by itself: then the name node knows no hidden file any more."""
    rename, done = Client.rename, []

    def losing(self: Client, src: str, dst: str, overwrite: bool = False) -> None:
        rename(self, src, dst, overwrite)
        if dst.endswith("0001.json"):
            done.append(dst)
            raise lost

    monkeypatch.setattr(Client, "rename", losing)
    monkeypatch.setattr("synth_spark.storage.append_log._PAUSE", 0.0)
    opened(folder.address).append(lambda entries: {"number": len(entries)})
    assert len(done) == 1
    assert opened(folder.address).entries() == [{"number": 0}]


def test_a_name_that_is_taken_meanwhile_is_left_to_who_took_it(folder: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Client.rename

    def second(self: Client, src: str, dst: str, overwrite: bool = False) -> None:
        with monkeypatch.context() as patched:
            patched.setattr(Client, "rename", rename)
            folder.write("a", b"theirs")
        rename(self, src, dst, overwrite)

    monkeypatch.setattr(Client, "rename", second)
    assert not folder.create("a", b"ours")
    assert folder.read("a") == b"theirs"
    assert hidden(folder) == []


def test_a_ledger_is_for_its_owner_alone_and_a_release_for_everybody(folder: Place, hdfs: str) -> None:
    client, path = Client(hdfs), folder.address.removeprefix(hdfs)
    opened(f"{folder.address}/ledger").append(lambda _: {})
    folder.below("out").write("x/LATEST.json", b"{}")
    told = {one: client.get_file_info(f"{path}/{one}").permission for one in ("ledger", "ledger/00000001.json")}
    assert told == {"ledger": 0o700, "ledger/00000001.json": 0o640}
    told = {one: client.get_file_info(f"{path}/{one}").permission for one in ("out", "out/x", "out/x/LATEST.json")}
    assert told == {"out": 0o755, "out/x": 0o755, "out/x/LATEST.json": 0o644}


def test_a_fork_works_in_hdfs_as_well(folder: Place) -> None:
    """By a client of its own: that of its parent would wait for threads that a fork does not have."""
    assert process(_FORKED, folder.address) == 0
    assert folder.read("after") == b"1"


def test_what_hdfs_refuses_is_said_in_a_line_without_its_text(hdfs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HADOOP_USER_NAME", "guest")
    with pytest.raises(RunError, match=r"cannot be written \(AccessControlException\); check the address") as told:
        place(f"{hdfs}/of-root").write("a", b"")
    assert "guest" not in str(told.value)
    monkeypatch.setattr("synth_spark.plan.sources.stores.hdfs._AGAIN", {"dfs.client.failover.max.attempts": "0"})
    with pytest.raises(RunError, match=r"hdfs://127.0.0.1:1/x: cannot be read \(Connection refused\)"):
        place("hdfs://127.0.0.1:1/x").read("a")


def test_names_of_services_are_those_of_the_configuration(
    hdfs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service has several name nodes, of which one does not answer here."""
    nodes = {"one": "127.0.0.1:1", "two": hdfs.removeprefix("hdfs://")}
    keys = {"dfs.ha.namenodes.cases": "one,two"} | {
        f"dfs.namenode.rpc-address.cases.{name}": address for name, address in nodes.items()
    }
    told = "".join(f"<property><name>{key}</name><value>{value}</value></property>" for key, value in keys.items())
    (tmp_path / "hdfs-site.xml").write_text(f"<configuration>{told}</configuration>")
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    place("hdfs://cases/services").write("a", b"1")
    assert place(f"{hdfs}/services").read("a") == b"1"


def test_a_file_that_a_client_asked_for_twice_is_said_to_be_there(
    folder: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Client.rename

    def twice(self: Client, src: str, dst: str, overwrite: bool = False) -> None:
        for _ in range(2):
            rename(self, src, dst, overwrite)

    monkeypatch.setattr(Client, "rename", twice)
    assert not folder.create("a", b"ours")
    assert folder.read("a") == b"ours"
