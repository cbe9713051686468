"""Files in an object store are recognised as the same files of this machine are."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import Any

import obstore
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synth_spark import plan as plans
from synth_spark.errors import InputError, PlanError
from synth_spark.plan.sources import files, stores
from synth_spark.plan.sources.preview import look, recognised

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
    for name, content in HELD.items():
        obstore.put(stores.store_of(f"{s3}://inputs"), f"held/{name}", content)
    return f"{s3}://inputs/held"


def plan(path: str, **keys: Any) -> plans.Plan:
    return plans.parse({"input": {"path": path, **keys}, "output": {"path": "/nowhere"}, "privacy": {"k": 10}})


@pytest.mark.parametrize("name", NAMES)
def test_files_of_a_store_are_recognised_as_those_of_this_machine_are(here: Path, there: str, name: str) -> None:
    keys = {"encoding": "utf-16"} if name == "latin.tsv" else {}
    told = []
    for root in (str(here), there):
        asked = plan(f"{root}/{name}", **keys)
        found = recognised(asked.input, "input")
        assert found is not None
        preview = look(asked)
        told.append((repr(found).replace(root, "ROOT"), None if preview is None else vars(preview)))
    assert told[0] == told[1]


def test_what_is_wrong_with_files_of_a_store_is_said_before_spark_starts(there: str) -> None:
    with pytest.raises(InputError, match=r"s3://inputs/held/nothing.csv does not exist"):
        look(plan(f"{there}/nothing.csv"))
    with pytest.raises(InputError, match="begins with the byte-order mark of UTF-16"):
        look(plan(f"{there}/latin.tsv"))
    with pytest.raises(PlanError, match="cannot be told from the path's suffix"):
        look(plan("s3://inputs/held"))


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


def test_a_file_that_is_replaced_while_it_is_read_is_an_error(s3: str) -> None:
    path, store = f"{s3}://inputs/changing.csv", stores.store_of(f"{s3}://inputs")
    obstore.put(store, "changing.csv", bytes(1 << 20))
    with files.opened(path) as stream:
        assert stream.read(10) == bytes(10)
        obstore.put(store, "changing.csv", b"1" * (1 << 20))
        with pytest.raises(OSError, match="Precondition"):
            stream.read()


def test_a_file_of_a_store_is_read_from_everywhere(s3: str) -> None:
    content = bytes(range(256)) * 20_000
    obstore.put(stores.store_of(f"{s3}://inputs"), "whole", content)
    with files.opened(f"{s3}://inputs/whole") as stream:
        assert stream.read() == content
        for start, size in ((0, 10), (4_000_000, 700_000), (len(content) - 5, 10), (300, 1), (len(content) + 9, 3)):
            stream.seek(start)
            assert stream.read(size) == content[start : start + size]
        stream.seek(-4, io.SEEK_END)
        assert stream.read() == content[-4:]
