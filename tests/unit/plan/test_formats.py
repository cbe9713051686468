"""Formats by names, paths of Databricks, and what people are told of what was recognised; no Spark."""

import zipfile
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from synth_spark.errors import SynthSparkError
from synth_spark.plan import addresses, parse
from synth_spark.plan.input import Input
from synth_spark.plan.sources import formats
from synth_spark.plan.sources.description import description
from synth_spark.plan.sources.preview import look
from synth_spark.storage.inventory import inventory

TEXT = "size,side\nbig,left\nsmall,right\n"


def test_an_archive_has_the_format_of_its_files(tmp_path: Path) -> None:
    for name, members, kind in (
        ("a.zip", ["x/cases.csv"], "csv"),
        ("b.zip", ["cases.ndjson"], "jsonl"),
        ("c.zip", ["cases.csv", "cases.jsonl"], None),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in members:
                archive.writestr(member, "")
        assert formats.format_of(str(tmp_path / name)) == kind


def test_volumes_are_looked_at_where_this_machine_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = "dbfs:/Volumes/main/cases/c.csv"
    monkeypatch.setattr(addresses, "VOLUMES", tmp_path / "Volumes")
    assert look(parse({"input": {"path": asked}})) is None  # Spark alone could look
    (tmp_path / "Volumes" / "main" / "cases").mkdir(parents=True)
    with pytest.raises(SynthSparkError, match=r"c\.csv does not exist"):
        look(parse({"input": {"path": asked}}))
    (tmp_path / "Volumes" / "main" / "cases" / "c.csv").write_text(TEXT)
    shape = look(parse({"input": {"path": asked}}))
    assert shape is not None
    assert shape.names == ("size", "side")
    assert inventory(Input(path=asked)) is not None
    with pytest.raises(SynthSparkError, match="sid"):
        look(parse({"input": {"path": asked, "columns": ["sid"]}}))
    plan = parse(
        {"input": {"path": asked}, "output": {"path": "dbfs:/Volumes/main/out"}, "work": "dbfs:/Volumes/main/runs"}
    )
    assert plan.output.path == str(tmp_path / "Volumes" / "main" / "out")
    assert plan.work_folder == tmp_path / "Volumes" / "main" / "runs"


def test_what_was_recognised_is_told_with_the_lines_of_a_plan(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.csv").write_text(TEXT.replace(",", ";"))
    (folder / "b.csv").touch()
    book = openpyxl.Workbook()
    for row in (["size", "side"], ["big", "left"]):
        book.active.append(row)
    book.save(tmp_path / "c.xlsx")
    (tmp_path / "d.jsonl").write_text('{"size": "big"}\n')
    sources = {
        "one": {"path": str(folder), "delimiter": ";", "encoding": "latin1"},
        "two": {"path": str(tmp_path / "c.xlsx")},
        "three": {"path": str(tmp_path / "d.jsonl")},
        "four": {"table": "main.cases"},
    }
    lines = description(parse({"input": {"sources": sources}}).input)
    told = "1 file of CSV (not packed) with a header, encoding iso8859-1, delimiter ';', quote '\"', doubled quotes"
    assert lines[:4] == [
        f"input.sources.one: {told}",
        "input.sources.one: passed over b.csv (empty)",
        "input.sources.two: 1 Excel workbook, sheet 'Sheet', with a header",
        "input.sources.three: 1 file of JSON lines (not packed), encoding utf-8",
    ]
    content = yaml.safe_load("\n".join(lines[5:]))
    assert content["input"]["sources"] == {
        "one": {
            "format": "csv", "delimiter": ";", "quote": '"', "encoding": "iso8859-1", "multiline": False,
            "header": True,
        },
        "two": {"format": "excel", "sheet": "Sheet", "header": True},
        "three": {"format": "jsonl", "encoding": "utf-8"},
    }  # fmt: skip
    again = {name: {**sources[name], **keys} for name, keys in content["input"]["sources"].items()}
    assert description(parse({"input": {"sources": again}}).input)[:4] == lines[:4]
    assert description(parse({"input": {"table": "main.cases"}}).input) == []


def test_columns_are_checked_before_spark_starts_where_all_records_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text('{"size": "big", "age": 7}\n{"size": "small", "means": ["x"]}\n')
    with pytest.raises(SynthSparkError, match="sizes"):
        look(parse({"input": {"path": str(path), "columns": ["sizes"]}}))
    assert look(parse({"input": {"path": str(path), "columns": ["size"]}})) is None  # lists: no estimate
    path.write_text('{"size": "big", "age": 7}\n{"size": "small"}\n')
    shape = look(parse({"input": {"path": str(path)}}))
    assert shape is not None
    assert (shape.names, shape.rows, shape.exact) == (("size", "age"), [("big", "7"), ("small", "")], True)
    path.write_text("".join(f'{{"size": "big", "n": {n}}}\n' for n in range(20_001)) + '{"late": 1}\n')
    shape = look(parse({"input": {"path": str(path), "columns": ["late"]}}))  # which no head tells
    assert shape is None


def test_a_sheet_is_one_of_a_workbook() -> None:
    assert Input(path="c.xlsx", sheet="Cases").resolved_format() == "excel"
    for place in ({"path": "c.csv"}, {"table": "main.cases"}):
        with pytest.raises(SynthSparkError, match=r"input\.sheet: is given for (csv|table), which has no sheets"):
            Input(sheet="Cases", **place).resolved_format()


@pytest.mark.parametrize(
    "line",
    [
        "oops", "[1]", '{"a": NaN}', '{"a": 1} {"a": 2}', '{"a": 1, "a": 2}', "[" * 100_000, '{"a": "\\ud800"}',
        '{"\\uDE00": 1}',
    ],
)  # fmt: skip
def test_a_look_at_the_head_tells_a_line_that_is_no_json_object(tmp_path: Path, line: str) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(f'{{"a": 1}}\n\n{line}\n')
    with pytest.raises(SynthSparkError) as caught:
        look(parse({"input": {"path": str(path)}}))
    assert caught.value.whole().startswith("file 'c.jsonl': holds in line 3 what is no JSON object")


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_look_at_parquet_goes_on_from_one_group_of_rows_to_the_next(tmp_path: Path, kind: pa.DataType) -> None:
    texts = [f"v{number % 40}" for number in range(500)]
    pq.write_table(pa.table({"a": pa.array(texts).cast(kind)}), tmp_path / "c.parquet", row_group_size=3)
    found = look(parse({"input": {"path": str(tmp_path / "c.parquet")}}))
    assert [row[0] for row in found.sample] == texts[: len(found.sample)]
    assert len(found.sample) > 100
