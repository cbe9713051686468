"""Folders on this machine and in object stores do the same, as a model has it; of several who race one wins."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import obstore
import obstore.store
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from obstore.exceptions import PreconditionError

from synth_spark.errors import PlanError, RunError
from synth_spark.plan.addresses import absolute
from synth_spark.storage.hdfs_places import HdfsPlace
from synth_spark.storage.places import Place, place

#: Names that are asked for: none is that of a file and of a folder.
NAMES = ("a", "_b.json", "f/x", "f/y", "f/g/z", "run_id=1/part-0.parquet", "odd ü/#%25 +&")
CONTENTS = (b"", b"1", b"2", bytes(range(256)) * 20)
FOLDERS = ("", "f", "f/g", "nowhere", "odd ü")
_NUMBERS = count()

Fresh = Callable[[], Place]
_NAME, _CONTENT = st.sampled_from(NAMES), st.sampled_from(CONTENTS)
STEP = st.one_of(
    st.tuples(st.just("create"), _NAME, _CONTENT),
    st.tuples(st.just("write"), _NAME, _CONTENT),
    st.tuples(st.just("copy"), _NAME, _NAME),
    st.tuples(st.just("delete"), st.lists(_NAME, unique=True)),
    st.tuples(st.just("delete_folder"), st.sampled_from(FOLDERS)),
)


class Model:
    """What a place does, in memory."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}

    def create(self, name: str, content: bytes) -> bool:
        is_new = name not in self.held
        if is_new:
            self.held[name] = content
        return is_new

    def write(self, name: str, content: bytes) -> None:
        self.held[name] = content

    def copy(self, name: str, to: str) -> None:
        self.held[to] = self.held[name]

    def delete(self, names: list[str]) -> None:
        for name in names:
            self.held.pop(name, None)

    def delete_folder(self, folder: str) -> None:
        self.delete([name for name in self.held if name.startswith(f"{folder}/" if folder else "")])


@pytest.fixture(params=["local", "s3", "az", "gs", "hdfs"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Fresh:
    """Makes empty places of one kind."""
    if request.param == "local":
        return lambda: place(str(tmp_path / f"place {next(_NUMBERS)}"))
    if request.param == "hdfs":
        host = request.getfixturevalue("hdfs")
        return lambda: place(f"{host}/places/place {next(_NUMBERS)}")
    scheme = request.getfixturevalue(request.param)
    place(f"{scheme}://places").write("begun", b"")  # some servers make a bucket when it is written to
    return lambda: place(f"{scheme}://places/place {next(_NUMBERS)}")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=12))
def test_a_place_does_what_its_model_does(fresh: Fresh, steps: list[tuple[Any, ...]]) -> None:
    folder, model = fresh(), Model()
    for step, *asked in steps:
        if step == "copy":
            if asked[0] in model.held and asked[0] != asked[1]:
                copied = folder.copy_from(folder, *asked)
                assert copied != isinstance(folder, HdfsPlace)  # which copies nothing by itself
                if copied:
                    model.copy(*asked)
        else:
            assert getattr(folder, step)(*asked) == getattr(model, step)(*asked), step
    for name in NAMES:
        assert folder.read(name) == model.held.get(name)
        assert folder.exists(name) == (name in model.held)
    for inner in FOLDERS:
        below = {name for name in model.held if not inner or name.startswith(f"{inner}/")}
        held = folder.entries(inner, deep=True)
        assert [(one.name, one.size, one.is_folder) for one in held] == sorted(
            (name, len(model.held[name]), False) for name in below
        )
        assert all(one.tag for one in held)
        direct = folder.entries(inner)
        files = {name for name in below if "/" not in name[len(inner) + 1 if inner else 0 :]}
        assert {one.name for one in direct if not one.is_folder} == files
        filled = [one.name for one in direct if one.is_folder and folder.entries(one.name, deep=True)]
        depth = inner.count("/") + 2 if inner else 1
        assert filled == sorted({"/".join(name.split("/")[:depth]) for name in below - files})
    assert fresh().entries(deep=True) == []


def winners(steps: list[Callable[[bytes], bool]]) -> list[int]:
    """Of each step, which eight do at once, how many are told that they did it; ten steps go on beside each other."""
    with ThreadPoolExecutor(80) as pool:
        done = list(pool.map(lambda step: step(secrets.token_bytes(9)), [step for step in steps for _ in range(8)]))
    return [sum(done[start : start + 8]) for start in range(0, len(done), 8)]


@pytest.mark.takes("the S3 server has whoever comes second to a name wait for seconds")
def test_of_eight_who_create_one_file_one_is_told_that_it_did(fresh: Fresh) -> None:
    folder = fresh()
    names = [f"log/{number:08}.json" for number in range(50)]
    assert winners([partial(folder.create, name) for name in names]) == [1] * 50
    assert [one.name for one in folder.entries(deep=True)] == names


def test_of_eight_who_replace_one_file_of_google_one_is_told_that_it_did(gs: str) -> None:
    """No step of a place replaces what it has read: this shows that the server decides by generations."""
    store = obstore.store.from_url(f"{gs}://places")
    names = [f"replaced/{number}" for number in range(50)]
    read = {name: obstore.put(store, name, b"before", use_multipart=False) for name in names}

    def replace(name: str, content: bytes) -> bool:
        try:
            obstore.put(store, name, content, mode=read[name], use_multipart=False)
        except PreconditionError:
            return False
        return True

    assert winners([partial(replace, name) for name in names]) == [1] * 50
    assert not any(replace(name, b"stale") for name in names)


def test_a_file_that_is_replaced_changes_its_tag_and_below_is_a_place_of_its_own(fresh: Fresh) -> None:
    folder = fresh()
    inner = folder.below("a/b")
    assert inner.address == f"{folder.address}/a/b"
    assert inner.spark_address == f"{folder.spark_address}/a/b"
    inner.write("c", b"one")
    before = folder.entries("a/b")
    inner.write("c", b"two")
    assert [one.name for one in before] == ["a/b/c"]
    assert folder.entries("a/b")[0].tag != before[0].tag
    other = fresh()
    if not isinstance(other, HdfsPlace):
        assert other.copy_from(inner, "c", "c")
        assert other.read("c") == b"two"
        with pytest.raises(RunError, match="cannot be written"):
            other.copy_from(inner, "nothing", "d")
    assert inner.entries("c") == []


@pytest.mark.usefixtures("s3")
def test_a_bucket_copies_by_itself_however_its_address_is_spelled() -> None:
    folder, same = place("s3://places/spelled"), place("S3A://places/spelled")
    folder.write("a", b"1")
    assert same.copy_from(folder, "a", "b")
    assert folder.read("b") == b"1"
    assert not place("s3://elsewhere").copy_from(folder, "a", "b")


@pytest.mark.usefixtures("s3")
def test_what_marks_a_folder_is_no_file() -> None:
    """As Spark's client of S3 leaves it."""
    folder = place("s3://places/marked")
    store = obstore.store.from_url("s3://places")
    folder.write("empty", b"")
    folder.write("a/b/c", b"1")
    for name in ("marked/", "marked/a/", "marked/a/b/"):
        obstore.put(store, name, b"", use_multipart=False)
    assert [one.name for one in folder.entries(deep=True)] == ["a/b/c", "empty"]
    assert [(one.name, one.is_folder) for one in folder.entries()] == [("a", True), ("empty", False)]
    assert [(one.name, one.is_folder) for one in folder.entries("a")] == [("a/b", True)]


@pytest.mark.parametrize(
    "name", ["", ".", "../x", "a/../../x", "/etc/x", "a//b", "a/", "a\\b", "a\nb", ".x.1.unfinished"]
)
def test_no_name_leads_elsewhere(fresh: Fresh, name: str) -> None:
    folder = fresh()
    steps: list[Callable[[], object]] = [
        lambda: folder.below(name),
        lambda: folder.read(name),
        lambda: folder.exists(name),
        lambda: folder.create(name, b""),
        lambda: folder.write(name, b""),
        lambda: folder.delete([name]),
        lambda: folder.copy_from(folder, name, "a"),
        lambda: folder.copy_from(folder, "a", name),
    ]
    steps += [lambda: folder.entries(name), lambda: folder.delete_folder(name)] if name else []
    for step in steps:
        with pytest.raises(RunError, match="is asked for a name that could lead elsewhere"):
            step()


def test_no_link_leads_out_of_a_folder_of_this_machine(tmp_path: Path) -> None:
    folder, outside = place(str(tmp_path / "place")), tmp_path / "outside"
    outside.mkdir()
    (outside / "x").write_text("theirs")
    folder.write("a", b"ours")
    (tmp_path / "place" / "link").symlink_to(outside)
    for step in (
        lambda: folder.read("link/x"),
        lambda: folder.write("link/x", b"ours"),
        lambda: folder.create("link/y", b"ours"),
        lambda: folder.delete(["link/x"]),
        lambda: folder.below("link").read("x"),
    ):
        with pytest.raises(RunError, match="leads out of its folder"):
            step()
    assert [one.name for one in folder.entries(deep=True)] == ["a", "link"]
    folder.delete_folder("link")  # of which only the link goes
    assert [one.name for one in folder.entries(deep=True)] == ["a"]
    (tmp_path / "place" / "link").symlink_to(outside)
    folder.delete_folder()
    assert [path.name for path in outside.iterdir()] == ["x"]
    assert not (tmp_path / "place").exists()


def test_who_dies_while_writing_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hidden file may stay, which is no entry; a disk that refuses leaves none."""
    folder = place(str(tmp_path))
    folder.write("a", b"before")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("synth_spark.storage.local_places.os.fsync", full)
        for step in (
            lambda: folder.write("a", b"after"),
            lambda: folder.create("b", b"after"),
        ):
            with pytest.raises(RunError, match=r"cannot be written \(No space left on device\)"):
                step()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    (tmp_path / ".a.0123.unfinished").write_text("a part")
    assert [(one.name, folder.read(one.name)) for one in folder.entries()] == [("a", b"before")]


def test_addresses_are_what_spark_calls_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place("a/b").spark_address == str(tmp_path / "a" / "b")
    for address, for_spark in {
        "s3://bucket": "s3a://bucket",
        "s3://bucket/x//y/": "s3a://bucket/x/y",
        "s3a://bucket/x": "s3a://bucket/x",
        "gs://bucket/x": "gs://bucket/x",
        "hdfs://host:8020/x//y/": "hdfs://host:8020/x/y",
        "hdfs://host/x": "hdfs://host/x",
        "abfss://held@account.dfs.core.windows.net/x": "abfss://held@account.dfs.core.windows.net/x",
    }.items():
        assert place(address).spark_address == for_spark
        assert place(address).address == absolute(address)
    for address in ("s3://", "s3:/bucket", "s3:///x"):
        with pytest.raises(PlanError, match="names no place in an object store"):
            place(address)
    for address in ("hdfs://", "hdfs:/x", "hdfs:///x"):
        with pytest.raises(PlanError, match="names no place in HDFS"):
            place(address)
    with pytest.raises(PlanError, match="hdfs://a b: names no name node of HDFS"):
        place("hdfs://a b/x")
