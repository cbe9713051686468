"""Files of every layout: each is read to the same records, or refused in one line; no reader takes it for another."""

import bz2
import lzma
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packings import pack
from pyspark.sql import SparkSession
from source_rows import ROWS, TEXT, refusal, rows

from synth_spark.plan import parse
from synth_spark.plan.sources.delimited.recognition import recognised


def names(**settings: Any) -> tuple[str, ...]:
    return recognised(parse({"input": settings}).input).names


# --- paths


def test_a_path_is_a_path_and_no_pattern(spark: SparkSession, tmp_path: Path) -> None:
    """Beside each file lies one that its name matches as a pattern."""
    odd = ["c[1].csv", "c{1}.csv", "c*.csv", "c?.csv", "c 12:30.csv", "_c.csv", ".c.csv", "Fälle ü.csv", "c\\1.csv"]
    for place, name in enumerate(odd):
        (tmp_path / name).write_text(f"size,side\nv{place},left\nw{place},left\n")
    for name in ("c1.csv", "cx.csv"):
        (tmp_path / name).write_text("size,side\nother,left\nother2,left\n")
    found = rows(spark, paths=[str(tmp_path / name) for name in odd], format="csv")
    assert found == sorted((f"{sign}{place}", "left") for place in range(len(odd)) for sign in "vw")


def test_a_parquet_path_is_a_path_and_no_pattern(spark: SparkSession, tmp_path: Path) -> None:
    for name, value in (("c[1].parquet", "this"), ("c1.parquet", "other"), ("_c.parquet", "hidden")):
        pq.write_table(pa.table({"a": [value] * 2}), tmp_path / name)
    assert rows(spark, path=str(tmp_path / "c[1].parquet")) == [("this",)] * 2
    assert "file '_c.parquet': has a name that Spark passes over" in refusal(spark, path=str(tmp_path / "_c.parquet"))


# --- folders


def test_columns_of_a_folder_belong_to_their_names_and_folders_are_columns(spark: SparkSession, tmp_path: Path) -> None:
    for folder, name, text in (
        ("code=01", "a.csv", TEXT),
        ("code=010", "b.csv", "side,size\nleft,big\nright,small\n"),
        ("code=a+b %25", "c.csv.gz", TEXT),
        ("code=__HIVE_DEFAULT_PARTITION__", "d.csv.bz2", TEXT),
    ):
        (tmp_path / "in" / folder).mkdir(parents=True)
        packed = pack(text.encode(), "gzip") if "gz" in name else bz2.compress(text.encode())
        (tmp_path / "in" / folder / name).write_bytes(text.encode() if name.endswith(".csv") else packed)
    (tmp_path / "in" / "code=01" / "empty.csv").touch()
    found = rows(spark, path=str(tmp_path / "in"))
    assert found == sorted([(*row, code) for row in ROWS for code in ("01", "010", "a+b %", None)], key=str)


def test_parquet_files_with_more_columns_and_folders_as_text(spark: SparkSession, tmp_path: Path) -> None:
    for code, columns in (("01", {"a": ["x", "y"]}), ("1", {"b": ["u", "v"], "a": ["x", "y"]})):
        (tmp_path / "in" / f"code={code}").mkdir(parents=True)
        pq.write_table(pa.table(columns), tmp_path / "in" / f"code={code}" / "part.parquet")
    wanted = [("x", None, "01"), ("y", None, "01"), ("x", "u", "1"), ("y", "v", "1")]
    assert rows(spark, path=str(tmp_path / "in"), format="parquet") == sorted(wanted, key=str)
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "in" / "code=1" / "part2.parquet")
    says = refusal(spark, path=str(tmp_path / "in"), format="parquet")
    assert (
        says == "column 'a': is string in 'part.parquet' and bigint in 'part2.parquet'; give it one type in all files"
    )


def test_a_column_may_have_the_name_that_spark_has_for_files_and_folders_may_read_as_patterns(
    spark: SparkSession, tmp_path: Path
) -> None:
    for code in ("01", "x[1]"):
        (tmp_path / "in" / f"code={code}").mkdir(parents=True)
        pq.write_table(pa.table({"_metadata": ["x"], "a": ["y"]}), tmp_path / "in" / f"code={code}" / "part.parquet")
    assert rows(spark, path=str(tmp_path / "in"), format="parquet") == [("x", "y", "01"), ("x", "y", "x[1]")]


# --- what only tasks can read


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("windows-1252", "prix,côté\n€ 5,gauche\n€ 7,droit\n"),
        ("utf-16", "größe,ж\nklein,я\ngroß,ю\n"),
        ("gb18030", "性别,地区\n女,北京\n男,上海\n"),
        ("utf-8-sig", "größe,ж\nklein,я\ngroß,ю\n"),
        ("shift_jis", "性,県\n女,東京\n男,大阪\n"),
        ("cp850", "größe,side\nklein,left\ngroß,right\n"),
    ],
)
def test_encodings_packings_and_line_ends(spark: SparkSession, tmp_path: Path, encoding: str, text: str) -> None:
    """Each is read alike: as it is, packed under any name, and with any line end."""
    first, *records = [tuple(line.split(",")) for line in text.splitlines()]
    returned = text.replace("\n", "\r")
    for name, content in (
        ("a.csv", text.encode(encoding)),
        ("b.csv", pack(returned.encode(encoding), "gzip")),
        ("c.csv", bz2.compress(text.encode(encoding))),
        ("d.csv", lzma.compress(text.replace("\n", "\r\n").encode(encoding))),
    ):
        (tmp_path / name).write_bytes(content)
    with pa.CompressedOutputStream(str(tmp_path / "E.CSV.GZ"), "zstd") as stream:
        stream.write(text.encode(encoding))
    paths = [str(path) for path in sorted(tmp_path.iterdir())]
    assert len(paths) == 5
    assert names(paths=paths, encoding=encoding) == first
    assert rows(spark, paths=paths, encoding=encoding) == sorted(records * 5)


def test_quotes_escapes_line_breaks_and_signs_that_are_not_ascii(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text('a,"b\nc"\n"x ""y"", z"," p\r\nq "\n"",s\n\n  \n')
    assert rows(spark, path=str(path), multiline=True) == sorted([('x "y", z', " p\r\nq "), (None, "s")], key=str)
    path.write_text('a,b\n"say \\"no, no\\"",p\nq,r\\s\n')
    assert rows(spark, path=str(path), escape="\\") == [("q", "r\\s"), ('say "no, no"', "p")]
    path.write_text("ä§b\n»x§ y\nz»§€1\nu§v\n")
    assert rows(spark, path=str(path), delimiter="§", quote="»", multiline=True) == [("u", "v"), ("x§ y\nz", "€1")]


def test_files_without_a_header_and_with_a_line_of_excel(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text("\ufeffbig,left\nsmall,right\n", encoding="utf-8")
    assert rows(spark, path=str(path), header=False, names=["size", "side"]) == ROWS
    assert "has 2 columns, and input.names 1 names" in refusal(spark, path=str(path), header=False, names=["size"])
    assert "input.names: is missing" in refusal(spark, path=str(path), header=False)
    path.write_text("sep=;\nsize;side\nbig;left\nsmall;right\n")
    assert rows(spark, path=str(path)) == ROWS
    assert "input.delimiter: contradicts the first line" in refusal(spark, path=str(path), delimiter=",")


# --- what is refused


@pytest.mark.parametrize(
    ("content", "settings", "says"),
    [
        (b"a,b\nx,y\nz,caf\xe9\n", {}, "file 'c.csv': holds a byte in line 3 that is not UTF-8; set input.encoding"),
        (b'a,b\nx,y\nz,"unfin\n', {}, "has a quoted value in line 3 that its line does not close"),
        (b'a,b\nx,"line\nbreak",y\n', {}, "has a quoted value in line 2 that its line does not close"),
        (b'a,b\nx,y\nz,"unfin\nu,v\n', {"multiline": True}, "has a quote in line 3 that is never closed"),
        (
            b'a,b\nx,"say \\"no, no\\""\n',
            {},
            "has text behind a closing quote in line 2; look at the quotes",
        ),
        (b"a,b\nx,y\nz\n", {}, "file 'c.csv': has a row in line 3 with more or fewer fields than its header"),
        (b"a,b\nx,y\nz,u,v", {"multiline": True}, "has a row in line 3 with more or fewer fields than its header"),
        (pack(TEXT.encode() * 99, "gzip")[:-30], {}, "file 'c.csv': cannot be read to its end"),
    ],
)
def test_records_that_cannot_be_read_are_told_by_file_and_line(
    spark: SparkSession, tmp_path: Path, content: bytes, settings: dict[str, Any], says: str
) -> None:
    (tmp_path / "c.csv").write_bytes(content)
    assert says in refusal(spark, path=str(tmp_path / "c.csv"), **settings)
