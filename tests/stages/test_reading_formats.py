"""JSON lines, Excel workbooks and zip archives: read to the texts that people see, or refused in one line."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packings import pack
from pyspark.sql import SparkSession
from source_rows import ROWS, TEXT, refusal, rows

from synth_spark import read
from synth_spark.errors import SynthSparkError
from synth_spark.plan import parse
from synth_spark.plan.sources import json_lines, workbooks
from synth_spark.plan.sources.preview import look
from synth_spark.read.formats import json_frames
from synth_spark.runtime.session import name_files_in_utf8
from synth_spark.storage.inventory import Addition


def columns(spark: SparkSession, **settings: Any) -> list[str]:
    opened = read.open_records(spark, parse({"input": settings}).input, 1)
    return [field.name for field in opened.fields]


def written(path: Path, *lines: str) -> str:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def workbook(path: Path, **sheets: list[list[Any]]) -> str:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, cells in sheets.items():
        sheet = book.create_sheet(name)
        for row in cells:
            sheet.append(row)
    book.save(path)
    return str(path)


# --- JSON lines


def test_json_lines_have_the_keys_of_all_records_and_one_text_a_number(spark: SparkSession, tmp_path: Path) -> None:
    path = written(
        tmp_path / "c.jsonl",
        '{"size": 1.0, "code": "1.0", "means": ["debt", "threats"], "there": true}',
        "",
        '  {"code": "x\\u00e9 ,\\"y", "size": 1e3, "means": []} ',
        '{"size": 12345678901234567890123, "code": null, "means": ["debt", null, "debt"], "there": false}',
        *['{"size": 2}'] * 3,
        '{"late `key.\'": -0.00000012, "size": 0.10}',
    )
    assert columns(spark, path=path) == ["size", "code", "means", "there", "late `key.'"]
    both = ["debt", "threats"]
    assert rows(spark, path=path) == sorted(
        [
            ("1", "1.0", both, "true", None),
            ("1000", 'xé ,"y', None, None, None),
            ("12345678901234567890123", None, ["debt"], None, None),
            *[("2", None, None, None, None)] * 3,
            ("0.1", None, None, None, "-0.00000012"),
        ],
        key=str,
    )


def test_json_lines_in_folders_packed_and_encoded(spark: SparkSession, tmp_path: Path) -> None:
    text = '{"size": "größer"}\r\n{"size": "klein"}'
    for code, name, content in (("01", "a.jsonl.gz", pack(text.encode(), "gzip")), ("1", "b.ndjson", text.encode())):
        (tmp_path / "in" / f"code={code}").mkdir(parents=True)
        (tmp_path / "in" / f"code={code}" / name).write_bytes(content)
    wanted = sorted((size, code) for size in ("größer", "klein") for code in ("01", "1"))
    assert rows(spark, path=str(tmp_path / "in")) == wanted
    (tmp_path / "c.jsonl").write_bytes(text.encode("utf-16"))
    assert rows(spark, path=str(tmp_path / "c.jsonl"), encoding="utf-16") == [("größer",), ("klein",)]
    assert "begins with the byte-order mark of UTF-16" in refusal(spark, path=str(tmp_path / "c.jsonl"))


@pytest.mark.parametrize(
    "line",
    [
        "oops", "[1]", "1", "null", '{"a": NaN}', '{"a": 01}', "{'a': 1}", '{"a": 1} {"a": 2}', '{"a": 1}, {"a": 2}',
        '{"a": 1}]', '{"a": 1}}', '{"a": 1}] {"b": 2}', '{"a": 1} x', '{"a": 1', '{"a": 1, "a": 2}', '{"a": "\\ud800"}',
        '{"a": "\\udc00"}', '{"a": "\\uDE00\\uD83D"}', '{"\\ud800": 1}', '{"a": "\\\\\\ud800"}',
    ],
)  # fmt: skip
def test_a_line_that_is_no_json_object_is_told_by_file_and_line(spark: SparkSession, tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "c.jsonl", '{"a": "whole \\ud83d\\ude00"}', "", line)
    says = refusal(spark, path=path)
    assert says.startswith("file 'c.jsonl': holds in line 3 what is no JSON object"), says


def test_pairs_of_surrogates_and_escaped_backslashes_are_text(spark: SparkSession, tmp_path: Path) -> None:
    lines = ['{"a": "\\uD83D\\ude00"}', '{"a": "\\\\ud800"}', '{"a": "\\\\\\ud83d\\ude00"}']
    path = written(tmp_path / "c.jsonl", *lines)
    assert rows(spark, path=path) == [("\\ud800",), ("\\😀",), ("😀",)]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (['{"a": 1}', '{"a": {"b": 1}}'], "column 'a': holds JSON objects; give every value a key"),
        (['{"a": [1, {"b": 1}]}'], "column 'a': holds lists of JSON objects"),
        (['{"a": [[1]]}'], "column 'a': holds lists of lists"),
        (['{"a": [1]}', '{"a": 1}'], "column 'a': holds lists in some records, and single values in others"),
        (['{"a": 1}', '{"A": 1}'], "has the same name for columns 1 and 2 (case does not count)"),
        (['{"": 1}'], "has no name for column 1"),
        (["{}", "{}"], "input: is empty"),
        (['[{"a": 1}]'], "file 'c.jsonl': is a JSON array"),
    ],
)
def test_json_lines_that_are_no_table_are_refused(
    spark: SparkSession, tmp_path: Path, lines: list[str], says: str
) -> None:
    assert says in refusal(spark, path=written(tmp_path / "c.jsonl", *lines))


def test_json_lines_that_cannot_be_read_are_told_by_file_and_line(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": "caf\xe9"}\n')
    assert "file 'c.jsonl': holds a byte in line 2 that is not UTF-8" in refusal(spark, path=str(path))
    path.write_bytes(pack(b'{"a": 1}\n' * 999, "gzip")[:-20])
    assert "file 'c.jsonl': cannot be read to its end" in refusal(spark, path=str(path))


def test_of_a_source_the_files_that_are_new_are_read_with_the_keys_of_all(spark: SparkSession, tmp_path: Path) -> None:
    old, new = tmp_path / "in" / "a.jsonl", tmp_path / "in" / "b.jsonl"
    old.parent.mkdir()
    written(old, '{"a": ["x"], "b": 1}')
    written(new, '{"b": 2.0}')
    source = parse({"input": {"path": str(old.parent)}}).input
    for files, wanted in (([str(new)], [(None, "2")]), ([], [])):
        only = {"": Addition({str(old.parent): tuple(files)})}
        opened = read.open_records(spark, source, 1, only)
        assert [field.name for field in opened.fields] == ["a", "b"]
        assert [tuple(row) for row in opened.frame.collect()] == wanted
        assert opened.told == ("input: 2 files of JSON lines (not packed), encoding utf-8",)


def test_keys_are_names_and_a_line_has_an_end(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "c.jsonl", '{"a": 1}', '{"b": 1}', '{"c": 1}')
    monkeypatch.setattr(json_frames, "MOST_KEYS", 2)
    assert "has more than 2 different keys, which are the names of columns" in refusal(spark, path=path)
    monkeypatch.setattr(json_lines, "LONGEST", 5)
    (tmp_path / "c.jsonl").write_text('{"a": 1}')
    with pytest.raises(SynthSparkError, match="has a line of more than 5 characters"):
        list(json_lines.lines(json_lines.JsonFile(path, None, "utf-8")))


def test_sources_of_several_formats_are_one_table_and_say_which_is_at_fault(
    spark: SparkSession, tmp_path: Path
) -> None:
    lines = written(tmp_path / "a.jsonl", '{"size": "big", "means": ["debt", "threats"]}')
    cells: list[list[Any]] = [["Size", "Means"], ["small", "debt;x"]]
    names = {"Size": "size", "Means": "means"}
    sheet = {"path": workbook(tmp_path / "b.xlsx", A=cells, B=[["code", "group"], ["small", "S"], ["big", "B"]])}
    settings: dict[str, Any] = {
        "sources": {"a": {"path": lines, "columns": {"size": "size", "means": "means"}},
                    "b": {**sheet, "sheet": "A", "columns": names}},
        "multi_values": {"means": ";"},
        "groups": {"size": {**sheet, "sheet": "B", "code": "code", "group": "group"}},
    }  # fmt: skip
    assert rows(spark, **settings) == [("B", ["debt", "threats"]), ("S", ["debt", "x"])]
    workbook(tmp_path / "b.xlsx", A=[*cells, ["x", None, "y"]], B=[["code", "group"], ["small", "S"], ["big", "B"]])
    assert "has a cell in row 3 that is outside of the columns" in refusal(spark, **settings)


# --- workbooks

CELLS: list[list[Any]] = [
    [None],
    ["size", "when", "flag", "text"],
    [1.0, date(2021, 3, 1), True, "001"],
    [0.1 + 0.2, datetime(2021, 3, 1, 10, 30), False, " x"],
    [],
    [12345678, time(8, 5), None, "#N/A"],
    [1e-7, timedelta(hours=26, minutes=3), "no"],
]


def test_a_sheet_is_read_as_people_see_it(spark: SparkSession, tmp_path: Path) -> None:
    path = workbook(tmp_path / "c.xlsx", Other=[["other"]], Cases=CELLS)
    assert rows(spark, path=path, sheet="Cases") == sorted(
        [
            ("1", "2021-03-01", "true", "001"),
            ("0.3", "2021-03-01 10:30:00", "false", " x"),
            ("12345678", "08:05:00", None, "#N/A"),
            ("0.0000001", "26:03:00", "no", None),
        ],
        key=str,
    )
    assert "input.sheet: is missing: 'c.xlsx' has the sheets 'Other', 'Cases'" in refusal(spark, path=path)
    assert "input.sheet: names no sheet of 'c.xlsx'" in refusal(spark, path=path, sheet="cases")
    renamed = (tmp_path / "c.xlsx").rename(tmp_path / "c.csv")
    says = refusal(spark, path=str(renamed))
    assert "not a CSV; set input.format to excel" in says
    assert len(rows(spark, path=str(renamed), format="excel", sheet="Cases")) == 4


def test_sheets_with_wrong_dimensions_formulas_and_merged_cells(spark: SparkSession, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["a", "b"], ["x", "=1+1"], ["y", "q"], ["z", "r"]):
        book.active.append(row)
    book.active.merge_cells("A3:A4")
    book.active.row_dimensions[2].hidden = True
    book.save(tmp_path / "c.xlsx")
    with zipfile.ZipFile(tmp_path / "c.xlsx") as old, zipfile.ZipFile(tmp_path / "d.xlsx", "w") as new:
        for name in old.namelist():
            text = old.read(name).replace(b'<dimension ref="A1:B4"', b'<dimension ref="A1"')
            new.writestr(name, text.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>").replace(b"<v />", b"<v>2</v>"))
    assert rows(spark, path=str(tmp_path / "d.xlsx")) == sorted([("x", "2"), ("y", "q"), (None, "r")], key=str)


def test_sheets_without_a_header_and_several_workbooks(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "in" / "code=01").mkdir(parents=True)
    path = workbook(tmp_path / "in" / "code=01" / "a.xlsx", Cases=[list(row) for row in ROWS])
    settings: dict[str, Any] = {"header": False, "names": ["size", "side"]}
    assert rows(spark, path=path, **settings) == ROWS
    assert rows(spark, path=str(tmp_path / "in"), **settings) == [(*row, "01") for row in ROWS]
    numbers = workbook(tmp_path / "n.xlsx", Cases=[[2001, 5], [2002, 6], [2003, 7]])
    assert "seems to have no header" in refusal(spark, path=numbers)
    assert "has 2 columns, and input.names 1 names" in refusal(spark, path=path, header=False, names=["size"])


def test_workbooks_that_are_refused(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "c.xlsx", Cases=[["a"], ["x"], ["y", None, "z"]])
    assert "has a cell in row 3 that is outside of the columns of its header" in refusal(spark, path=path)
    (tmp_path / "d.xlsx").write_bytes((tmp_path / "c.xlsx").read_bytes()[:-200])
    assert "cannot be read as an Excel workbook" in refusal(spark, path=str(tmp_path / "d.xlsx"))
    (tmp_path / "e.xlsx").write_text(TEXT)
    assert "file 'e.xlsx': is no Excel workbook" in refusal(spark, path=str(tmp_path / "e.xlsx"))
    path = workbook(tmp_path / "f.xlsx", Cases=[["a", "b"], ["x", "y"]])
    monkeypatch.setattr(workbooks, "MOST_CELLS", 3)
    assert "has more than 3 cells in sheet 'Cases'" in refusal(spark, path=path)
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 100)
    assert "file 'f.xlsx': is too large" in refusal(spark, path=path)
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 1 << 30)
    monkeypatch.setattr(workbooks, "MOST_BYTES", 100)
    assert "file 'f.xlsx': is too large" in refusal(spark, path=path)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert "needs openpyxl, which is not installed; install it: pip install 'synth-spark[excel]'" in refusal(
        spark, path=path
    )


# --- rows of blanks


@pytest.mark.parametrize("delimiter", [",", "\t", " "])
@pytest.mark.parametrize("encoding", ["UTF-8", "windows-1252"])
def test_rows_of_nothing_but_delimiters_are_records(
    spark: SparkSession, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    """A line without a delimiter and without a value is none."""
    path = tmp_path / "c.csv"
    path.write_text("a,b\nx,y\n,\n\nz,\n,\n".replace(",", delimiter))
    settings: dict[str, Any] = {"path": str(path), "delimiter": delimiter, "encoding": encoding}
    assert rows(spark, **settings) == sorted([("x", "y"), (None, None), ("z", None), (None, None)], key=str)
    shape = look(parse({"input": settings}))
    assert shape is not None
    assert shape.records == 4


def test_rows_of_blanks_on_another_file_system_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "c.tsv"
    path.write_text("a\tb\nx\ty\n\t\n\nz\t\n")
    assert "holds rows of nothing but blanks" in refusal(spark, path=f"file://{path}")
    path.write_text("a\tb\nx\ty\n\nz\t\n")
    assert rows(spark, path=f"file://{path}") == [("x", "y"), ("z", None)]
    for name in ("c.jsonl", "c.xlsx"):
        assert "is on another file system, where" in refusal(spark, path=f"file://{tmp_path}/{name}")


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_one_folder_decides_nothing_about_the_values_of_others(
    spark: SparkSession, tmp_path: Path, scheme: str
) -> None:
    """Of ``007`` and ``1.50`` Spark makes numbers, unless one folder of all is none: one person's own."""
    for name in ("007", "1.50"):
        (tmp_path / f"of day={name}").mkdir()
        pq.write_table(pa.table({"a": ["x"]}), tmp_path / f"of day={name}" / "part.parquet")
    found: dict[str, str] = {}
    for more in (False, True):
        if more:
            (tmp_path / "of day=one person").mkdir()
            pq.write_table(pa.table({"a": ["y"]}), tmp_path / "of day=one person" / "part.parquet")
        found = {row[1]: row[0] for row in rows(spark, path=f"{scheme}{tmp_path}", format="parquet")}
        assert {key: found[key] for key in ("007", "1.50")} == {"007": "x", "1.50": "x"}
    assert found["one person"] == "y"


# --- archives


def archive(path: Path, **files: str) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, text in files.items():
            made.writestr(name, text)
    return str(path)


def test_a_zip_archive_of_one_file_is_that_file(spark: SparkSession, tmp_path: Path) -> None:
    added = {"folder/": "", "__MACOSX/folder/._c.csv": "x", "folder/.DS_Store": "x"}
    path = archive(tmp_path / "c.zip", **{"folder/c.csv": TEXT}, **added)
    assert rows(spark, path=path) == ROWS
    lines = [json.dumps(dict(zip(("size", "side"), row, strict=True))) for row in ROWS]
    assert rows(spark, path=archive(tmp_path / "c.jsonl.zip", x="\n".join(lines))) == ROWS
    (tmp_path / "torn.csv.zip").write_bytes((tmp_path / "c.zip").read_bytes()[:-9])
    assert "file 'torn.csv.zip': cannot be read to its end" in refusal(spark, path=str(tmp_path / "torn.csv.zip"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"a.csv": TEXT, "b.csv": TEXT}, "is a zip archive that holds 2 files: 'a.csv', 'b.csv'; unpack it"),
        ({"folder/": ""}, "is a zip archive that holds no file; unpack it"),
        (b"\x04\x22\x4d\x18abc", "is packed with lz4, not a CSV; unpack it"),
        (pack(pack(TEXT.encode(), "gzip"), "gzip"), "is packed with gzip, not a CSV; unpack it"),
        (pack(b"a" * 257 + b"ustar\x0000", "gzip"), "is a tar archive, not a CSV"),
        (b"\xff\x06\x00\x00sNaPpYabc", "is packed with snappy, not a CSV"),
    ],
)
def test_packings_that_are_not_read_are_named(
    spark: SparkSession, tmp_path: Path, content: dict[str, str] | bytes, says: str
) -> None:
    if isinstance(content, bytes):
        (tmp_path / "c.csv").write_bytes(content)
    else:
        archive(tmp_path / "c.csv", **content)
    assert says in refusal(spark, path=str(tmp_path / "c.csv"))


def test_a_zip_archive_that_cannot_be_unpacked_is_named(spark: SparkSession, tmp_path: Path) -> None:
    path = Path(archive(tmp_path / "c.csv.zip", x=TEXT))
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # as the list of files marks it
    path.write_bytes(bytes(content))
    assert "is a zip archive with a password; unpack it first" in refusal(spark, path=str(path))
    content[content.index(b"PK\x01\x02") + 8] &= 0xFE
    content[content.index(b"PK\x01\x02") + 10] = 9  # Deflate64, as Windows packs large files
    path.write_bytes(bytes(content))
    assert "is a zip archive packed in a way that is not read (method 9)" in refusal(spark, path=str(path))


# --- names of files


@pytest.mark.parametrize("locale", ["C", "POSIX"])
def test_a_jvm_names_files_in_utf8_under_the_locale_c(locale: str) -> None:
    """What a session's environment is changed to before its JVM starts."""
    environment = {"LC_ALL": locale}
    name_files_in_utf8(environment)
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java") if home is None else f"{home}/bin/java"
    asked = [str(java), "-XshowSettings:properties", "-version"]
    told = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stderr
    assert "sun.jnu.encoding = UTF-8" in told
