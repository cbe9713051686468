"""Files in a store are recognised as the same files of this machine are."""

import bz2
import gzip
import io
import lzma
import socket
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hdfs_native import Client

from synth_spark import plan as plans
from synth_spark.errors import InputError, PlanError, RunError
from synth_spark.plan.sources import files, stores
from synth_spark.plan.sources.preview import look, recognised
from synth_spark.storage.inventory import additions, inventory
from synth_spark.storage.places import place

CSV = b"age,district\n" + b"".join(f"{number % 90},north {number % 7}\n".encode() for number in range(2000))
JSON = b'{"age": 30, "district": "north"}\n{"age": 40}\n'


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("cases.csv", CSV)
    return stream.getvalue()


def workbook() -> bytes:
    stream, book = io.BytesIO(), openpyxl.Workbook()
    for row in (["age", "district"], [30, "north"], [40, None]):
        book.active.append(row)
    book.save(stream)
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"age": [30, 40], "district": ["north", None]}), stream)
    return stream.getvalue()


HELD = {
    "plain.csv": CSV,
    "packed.csv.gz": gzip.compress(CSV),
    "packed.csv.bz2": bz2.compress(CSV),
    "packed.csv.xz": lzma.compress(CSV),
    "packed.csv.zst": pa.compress(CSV, codec="zstd", asbytes=True),
    "packed.zip": zipped(),
    "odd ü #%25.csv": CSV,
    "latin.tsv": "name\tplace\nAnna\tKöln\n".encode("utf-16"),
    "lines.jsonl": JSON,
    "sheets.xlsx": workbook(),
    "table.parquet": parquet(),
    "folder/year=2020/a.csv": CSV,
    "folder/year=2021/b.csv": CSV,
    "folder/year=2021/empty.csv": b"",
    "folder/_SUCCESS": b"",
}
#: Folders of stores that hold these.
_FILLED: set[str] = set()
NAMES = sorted({name.partition("/")[0] for name in HELD})


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held")
    for name, content in HELD.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def there(s3: str) -> str:
    return filled(f"{s3}://inputs/held")


def filled(address: str) -> str:
    """The address of a folder that holds the files; they are put there once."""
    if address not in _FILLED:
        for name, content in HELD.items():
            place(address).write(name, content)
        _FILLED.add(address)
    return address


@pytest.fixture(params=["s3", "gs", "az", "hdfs"])
def root(request: pytest.FixtureRequest) -> str:
    """Where the files are in a store of each kind."""
    store = request.getfixturevalue(request.param)
    return filled(f"{store}/inputs/held" if request.param == "hdfs" else f"{store}://places/inputs/held")


def plan(path: str, **keys: Any) -> plans.Plan:
    return plans.parse({"input": {"path": path, **keys}, "output": {"path": "/nowhere"}, "privacy": {"k": 10}})


@pytest.mark.parametrize("name", NAMES)
def test_files_of_a_store_are_recognised_as_those_of_this_machine_are(here: Path, root: str, name: str) -> None:
    keys = {"encoding": "utf-16"} if name == "latin.tsv" else {}
    told = []
    for folder in (str(here), root):
        asked = plan(f"{folder}/{name}", **keys)
        found = recognised(asked.input, "input")
        assert found is not None
        preview = look(asked)
        told.append((repr(found).replace(folder, "ROOT"), None if preview is None else vars(preview)))
    assert told[0] == told[1]


def test_what_is_wrong_with_files_of_a_store_is_said_before_spark_starts(root: str) -> None:
    with pytest.raises(InputError, match=f"{root}/nothing.csv does not exist"):
        look(plan(f"{root}/nothing.csv"))
    with pytest.raises(InputError, match="begins with the byte-order mark of UTF-16"):
        look(plan(f"{root}/latin.tsv"))
    with pytest.raises(PlanError, match="cannot be told from the path's suffix"):
        look(plan(root))


def test_a_store_that_does_not_let_this_process_in_is_left_to_spark(
    there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.is_seen(f"{there}/plain.csv")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert not files.is_reached(f"{there}/plain.csv")
    assert look(plan(f"{there}/plain.csv")) is None


def test_a_bucket_that_does_not_let_this_process_in_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuses(*given: Any, **_: Any) -> Any:
        asked.append(given)
        raise OSError("of no interest")

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of nobody")
    monkeypatch.setattr(obstore, "list", refuses)
    assert not any(files.is_reached(f"s3://shut/{number}.csv") for number in range(20))
    assert len(asked) == 1


def test_a_store_that_fails_meanwhile_is_said_in_a_line(there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "is_reached", lambda _: True)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    for ask in (
        lambda: look(plan(f"{there}/plain.csv")),
        lambda: files.opened(f"{there}/plain.csv"),
        lambda: files.size(f"{there}/plain.csv"),
        lambda: plan(there).input.resolved_format(),
    ):
        with pytest.raises(InputError, match="cannot be looked at in its store; check its address") as told:
            ask()
        assert "another" not in str(told.value)


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_a_file_that_is_replaced_while_it_is_read_is_an_error(scheme: str, request: pytest.FixtureRequest) -> None:
    """Of the servers, that in the place of Google storage passes over the condition: the tag of the answer tells it."""
    bucket = f"{request.getfixturevalue(scheme)}://places"
    path, store = f"{bucket}/changing.csv", stores.store_of(bucket)
    obstore.put(store, "changing.csv", bytes(1 << 20))
    with files.opened(path) as stream:
        assert stream.read(10) == bytes(10)
        obstore.put(store, "changing.csv", b"1" * (1 << 20))
        with pytest.raises(OSError, match="Precondition"):
            stream.read()


def test_a_file_of_a_store_is_read_from_everywhere(root: str) -> None:
    content = bytes(range(256)) * 20_000
    place(root).write("whole", content)
    with files.opened(f"{root}/whole") as stream:
        assert stream.read() == content
        for start, size in ((0, 10), (4_000_000, 700_000), (len(content) - 5, 10), (300, 1), (len(content) + 9, 3)):
            stream.seek(start)
            assert stream.read(size) == content[start : start + size]
        stream.seek(-4, io.SEEK_END)
        assert stream.read() == content[-4:]
    place(root).delete(["whole"])
    assert not files.is_file(f"{root}/whole")


def test_a_file_of_hdfs_that_is_replaced_is_read_as_it_was(hdfs: str) -> None:
    """Or it is an error; never is it partly the one and partly the other."""
    folder = place(f"{hdfs}/inputs")
    folder.write("changing.csv", bytes(1 << 20))
    before = files.entry(f"{hdfs}/inputs/changing.csv")
    with files.opened(f"{hdfs}/inputs/changing.csv") as stream:
        assert stream.read(10) == bytes(10)
        folder.write("changing.csv", b"1" * (1 << 20))
        assert set(stream.read()) == {0}
    assert files.entry(f"{hdfs}/inputs/changing.csv").tag != before.tag


def test_files_of_hdfs_that_were_written_at_the_same_time_are_two(hdfs: str) -> None:
    """As copies may be, which keep the time of what they are copies of."""
    folder = place(f"{hdfs}/inputs/pair")
    for name in ("a.csv", "b.csv"):
        folder.write(name, CSV)
        Client(hdfs).set_times(f"/inputs/pair/{name}", 1_700_000_000_000, 1_700_000_000_000)
    found = inventory(plan(folder.address, format="csv").input)
    assert found is not None
    assert len({item.identity for item in found.items}) == 2
    one, other = found.items
    with pytest.raises(RunError, match=r"file 'b\.csv': has the size of a file that run before counted"):
        additions(replace(found, items=(one,)), found, "before")
    with pytest.raises(RunError, match=r"lacks 1 of the files that run before counted, such as a\.csv"):
        additions(replace(found, items=(one,)), replace(found, items=(other,)), "before")


def test_hdfs_that_does_not_answer_is_left_to_spark_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where somebody listens, and says nothing; and where no name node is named, as Spark alone may know one."""
    monkeypatch.setattr("synth_spark.plan.sources.stores.hdfs._SOON", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        silent = f"hdfs://127.0.0.1:{listening.getsockname()[1]}/cases.csv"
        for path in (silent, "hdfs://127.0.0.1:1/cases.csv", "hdfs:///cases.csv", "viewfs://all/cases.csv"):
            assert not files.is_reached(path)
            assert look(plan(path)) is None
            assert inventory(plan(path).input) is None


def test_who_may_not_look_into_hdfs_leaves_it_to_spark(hdfs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place(f"{hdfs}/shut", private=True).write("cases.csv", CSV)
    assert files.is_seen(f"{hdfs}/shut/cases.csv")
    monkeypatch.setenv("HADOOP_USER_NAME", "guest")
    assert look(plan(f"{hdfs}/shut/cases.csv")) is None
    monkeypatch.setattr(stores, "is_reached", lambda _: True)
    with pytest.raises(InputError, match="cannot be looked at in its store; check its address"):
        files.size(f"{hdfs}/shut/cases.csv")
