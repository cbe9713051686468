"""What a source of files is taken for: by its bytes, its names and its first rows, before anything is read."""

import zipfile
from pathlib import Path
from typing import Any

import pytest

from synth_spark.errors import InputError, SynthSparkError
from synth_spark.plan import Input, load
from synth_spark.plan.sources.delimited.recognition import recognised
from synth_spark.plan.sources.delimited.records import examine
from synth_spark.plan.sources.layout import CsvFile, Dialect
from synth_spark.plan.sources.unpacking import CHUNK
from synth_spark.storage.paths import check_roots

TEXT = "size,side\nbig,left\nsmall,right\n"


def says(path: Path, **keys: Any) -> str:
    """What a file or folder is refused with; nothing if it is taken."""
    try:
        recognised(Input(path=str(path), format="csv", **keys))
    except SynthSparkError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("content", "keys", "refused"),
    [
        (b"39,Private,North\n39,Private,North\n50,Private,South\n", {}, "seems to have no header: column 1"),
        (b"91,Unseen,Elsewhere\n39,Private,North\n", {}, "seems to have no header: column 1 begins like its values"),
        (b"F,child\nF,child\nM,adult\n", {}, "seems to have no header: column 1 begins with one of its values"),
        (b"F,child\nF,child\nM,adult\n", {"header": True}, ""),
        (b"land,2019,2020\nFR,high,low\nDE,low,high\n", {}, ""),
        (b"size;side\nbig;left\n", {}, "has one column by the delimiter ',', and 2 by the delimiter ';'; set input"),
        (b"size\tside\nbig\tleft\n", {}, "and 2 by the delimiter '\\t'"),
        (b"means\na;b\nc\n", {}, ""),
        (b"a,b\nc\n", {"delimiter": ";"}, ""),
        (b"%PDF-1.7 a,b\n", {}, "is a PDF, not a CSV"),
        (b"<!DOCTYPE html><html>", {}, "is an HTML page, not a CSV"),
        (b"PAR1aaaa", {}, "is a Parquet file, not a CSV"),
        ("a,b\nc,d\n".encode("utf-16"), {}, "begins with the byte-order mark of UTF-16, and the plan says UTF-8"),
        ("a,b\nc,d\n".encode("utf-8-sig"), {"encoding": "latin1"}, "begins with the byte-order mark of UTF-8"),
        ("a,b\nc,d\n".encode("utf-16"), {"encoding": "utf-16"}, ""),
        (b'"a\nb",c\nx,y\n', {}, "has a quoted value in line … that its line does not close; look at the quotes there"),
        (b"a,b\nc,d\n", {"encoding": "utf-9"}, "input.encoding: is not known"),
        (b"a,b\nc,d\n", {"encoding": "base64"}, "input.encoding: is not known"),
        (b"\n \n", {}, "input: is empty"),
        (b"a,b\nc,d\n", {"delimiter": '"'}, "input.quote: is the delimiter, too"),
        (b"a,b\nc,d\n", {"escape": ","}, "input.escape: is the delimiter, too"),
        (b"a,b\nc,d\n", {"delimiter": "\n"}, "input.delimiter: is a sign that cannot be one"),
        (b"a,b\nc,d\n", {"delimiter": "\\"}, "input.delimiter: is a sign that cannot be one"),
        (b"a,b\nc,d\n", {"quote": " "}, "input.quote: is a sign that cannot be one"),
        (b"a,b\nc,d\n", {"quote": "\U0001f600"}, "input.quote: is a sign that cannot be one"),
        (b"a,b\nc\\,d\n", {"escape": "\\"}, "has an escape outside of quotes in line …, which some writers mean"),
        (b'a,b\n"c\\\nd",e\n', {"escape": "\\"}, "has a quoted value in line … that its line does not close"),
    ],
)
def test_a_file_is_taken_for_what_it_is(tmp_path: Path, content: bytes, keys: dict[str, Any], refused: str) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    found = says(tmp_path / "c.csv", **keys)
    assert refused in found if refused else found == ""
    assert not any(value in found for value in ("Unseen", "Elsewhere", "child"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030"])
def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "c.csv").write_bytes('\ufeff"a,b",c\nd,e\n'.encode(encoding))
    found = recognised(Input(path=str(tmp_path / "c.csv"), encoding=encoding))
    assert found.names == ("a,b", "c")


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (b"caf\xe9,x\n", "holds a byte in line {line} that is not UTF-8"),
        (b'a,"b\nc\n', "has a quoted value in line {line} that its line does not close"),
        (b'a,"b\0c"\n', "holds a zero byte in line {line}; write the file anew without zero bytes"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_the_line_of_a_fault_behind_many_pieces_is_told(tmp_path: Path, fault: bytes, problem: str, end: bytes) -> None:
    """Lines of what is passed by, as there are no quotes in it, count, too."""
    plain, path = "größe,x".encode() + end, tmp_path / "c.csv"
    lines = 2 * CHUNK // len(plain)
    path.write_bytes(plain * lines + fault.replace(b"\n", end) + plain)
    with pytest.raises(InputError) as caught:
        examine(CsvFile(str(path), None, ("größe", "x"), 1), Dialect("utf-8", ",", '"', '"', False))
    assert problem.format(line=f"{lines + 1:,}") in caught.value.whole()


def test_archives_and_workbooks_are_named(tmp_path: Path) -> None:
    for name, inside in (("one.csv", ["a.csv", "b.csv"]), ("two.csv", ["[Content_Types].xml", "xl/workbook.xml"])):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member in inside:
                archive.writestr(member, TEXT)
    assert "is a zip archive that holds 2 files: 'a.csv', 'b.csv'" in says(tmp_path / "one.csv")
    assert "is an Excel workbook" in says(tmp_path / "two.csv")


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("b.csv", "green,up\nbig,left\n", "file 'b.csv': has another header than 'a.csv': see its column 1"),
        ("b.csv", "side,size\nleft,big\n", ""),
        ("b.csv", "side,size,more\nleft,big,x\n", "file 'b.csv': has a header of 3 columns, and 'a.csv' one of 2"),
        ("2020/b.csv", TEXT, "holds the folder '2020', which is not read"),
        ("x=1/b.csv", TEXT, "file 'b.csv': is in other folders column=value"),
        ("_b.csv", TEXT, "holds the file '_b.csv', whose name begins with an underscore"),
        ("notes.pdf", "x", "holds the file 'notes.pdf', which is no csv by its name"),
        ("b.parquet", "x", "holds the file 'b.parquet', which is no csv by its name"),
        ("_delta_log/0.json", "x", "is a Delta table, not a folder of csv"),
        ("_SUCCESS", "x", ""),
        (".a.csv.crc", "x", ""),
        ("b.csv", "", ""),
    ],
)
def test_nothing_in_a_folder_is_passed_over_that_may_be_records(
    tmp_path: Path, name: str, text: str, refused: str
) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    found = says(tmp_path)
    assert refused in found if refused else found == ""
    assert "green" not in found


def test_the_format_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "x=1").mkdir()
    (tmp_path / "x=1" / "a.csv").write_text(TEXT)
    assert Input(path=str(tmp_path)).resolved_format() == "csv"
    source = recognised(Input(path=str(tmp_path)))
    assert source.names == ("size", "side", "x")
    assert source.sentence.startswith("1 file of CSV (not packed) with a header, encoding utf-8, delimiter ','")


def test_nothing_is_written_into_a_folder_of_the_input(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for keys in ({"output.path": str(tmp_path / "in" / "out")}, {"work": str(tmp_path / "in" / "work")}):
        plan = load(None, {"input.path": str(tmp_path / "in"), "output.path": str(tmp_path / "out"), **keys})
        with pytest.raises(SynthSparkError, match="is inside a folder of the input"):
            check_roots(plan)
