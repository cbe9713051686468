"""Reading: what becomes a record of whatever a data engineer has. Known answers: SDS's."""

import gzip
import os
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from releasing import write_csv

from synth_spark import read
from synth_spark.errors import InputError, PlanError, SynthSparkError
from synth_spark.plan import parse
from synth_spark.plan.sources.preview import look
from synth_spark.read import Remark
from synth_spark.read.examination import Examination

Row = tuple[Any, ...]


class Read:
    """An input as it was read."""

    def __init__(self, spark: SparkSession, k: int = 1, **settings: Any) -> None:
        source = parse({"input": settings}).input
        opened = read.open_records(spark, source, k)
        rows = opened.frame.collect()
        written = spark.createDataFrame(rows, opened.frame.schema)
        self.count, self.remarks = read.check(opened, source, written)
        self.fields = opened.fields
        self.names = [field.name for field in opened.fields]
        self.rows: list[Row] = [tuple(row) for row in rows]

    def sets(self) -> list[set[str]]:
        """Records as sets of ``column value``; the order of records is of no matter."""
        return [
            {f"{name} {value}" for name, cell in zip(self.names, row, strict=True) for value in _values(cell)}
            for row in self.rows
        ]


def _values(cell: Any) -> list[str]:
    return [] if cell is None else list(cell) if isinstance(cell, list | tuple) else [cell]


def refused(spark: SparkSession, kind: type[SynthSparkError], **settings: Any) -> str:
    """The message that an input is refused with."""
    with pytest.raises(kind) as caught:
        Read(spark, **settings)
    return caught.value.whole()


def csv(folder: Path, text: str, name: str = "cases.csv") -> str:
    """A CSV file."""
    return str(write_csv(folder / name, text))


# --- known answers


def test_reserved_signs_are_values_like_others(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answers: where SDS writes <semicolon> and <colon> for good, texts stay what they are."""
    text = '"D;h",E:h,C\n"d3;D",a3:A,1\n'
    found = Read(spark, path=csv(tmp_path, text))
    assert found.names == ["D;h", "E:h", "C"]
    assert found.rows == [("d3;D", "a3:A", "1")]


def test_zeros_and_empties(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answers."""
    text = "A,B,C,D,E\na1,0,c1,d1,\na2,b2,0,d3;D,e2\na3:A,b3,,,\n,0,,d4,\n"
    default = Read(spark, path=csv(tmp_path, text))
    wanted = [{"A a1", "C c1", "D d1"}, {"A a2", "B b2", "D d3;D", "E e2"}, {"A a3:A", "B b3"}, {"D d4"}]
    assert default.sets() == wanted
    assert Remark("column 'B'", "zeros, taken as absent (see input.sensitive_zeros)", 2) in default.remarks
    sensitive = Read(spark, path=csv(tmp_path, text), sensitive_zeros=["B"])
    assert sensitive.sets() == [wanted[0] | {"B 0"}, *wanted[1:3], {"B 0", "D d4"}]


def test_a_limit_of_records(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answers: the first rows; but subjects are never cut, where SDS may cut one."""
    path = csv(tmp_path, "id,a\n3,x\n1,y\n2,z\n1,y\n")
    assert Read(spark, path=path, record_limit=2).rows == [("3", "x"), ("1", "y")]
    found = Read(spark, path=path, record_limit=2, subject={"id": "id"}, multi_values={"a": ";"})
    assert len(found.rows) == 2
    assert set(map(repr, found.rows)) < {"(['x'],)", "(['y'],)", "(['z'],)"}


def test_a_limit_of_records_is_a_sample_over_all_sources(spark: SparkSession, tmp_path: Path) -> None:
    """Rows of sources in turn; subjects by a hash of their ids, the same in every order of the rows, never cut."""
    rows = [f"{number},x{number}\n" for number in range(1_000, 1_100)]
    one, two = (csv(tmp_path, "id,a\n" + "".join(part), f"{len(part)}.csv") for part in (rows, rows[:60]))
    sources = {"north": {"path": one}, "south": {"path": two}}
    first = Read(spark, sources=sources, source_column="of", columns=["a"], record_limit=5)
    assert sorted(first.rows) == [
        ("x1000", "north"), ("x1000", "south"), ("x1001", "north"), ("x1001", "south"), ("x1002", "north"),
    ]  # fmt: skip
    subject = {"sources": sources, "source_column": "of", "subject": {"id": "id"}, "record_limit": 80}
    sample = Read(spark, **subject).rows
    assert len(sample) == 80
    assert {of: sum(row[1] == of for row in sample) > 15 for of in sources} == {"north": True, "south": True}
    again = csv(tmp_path, "id,a\n" + "".join(reversed(rows)), "again.csv")
    assert sorted(Read(spark, **subject | {"sources": sources | {"north": {"path": again}}}).rows) == sorted(sample)
    assert sorted(row[0] for row in sample if row[1] == "north") != [f"x{number}" for number in range(1_000, 1_080)]


@pytest.mark.parametrize(
    ("name", "settings"), [("cases.csv.gz", {}), ("cases.csv", {"multiline": True})], ids=["compressed", "multiline"]
)
def test_rows_of_a_file_that_one_task_reads_are_dealt_to_all(
    spark: SparkSession, tmp_path: Path, name: str, settings: dict[str, Any]
) -> None:
    """All that is done to a value is done by all tasks; but where rows are limited, the first are the first."""
    text = "a,b\n" + "".join(f"{row},{row % 7}\n" for row in range(500))
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    opened = read.open_records(spark, parse({"input": {"path": str(path), **settings}}).input, 1)
    shares = opened.frame.groupBy(F.spark_partition_id()).count().collect()
    assert len(shares) == int(str(spark.conf.get("spark.sql.shuffle.partitions"))) > 1
    assert max(share["count"] for share in shares) < 2 * min(share["count"] for share in shares)
    assert len({row["c0"] for row in opened.frame.collect()} - {None}) == 499  # all but 0
    assert [row[0] for row in Read(spark, path=str(path), record_limit=4, **settings).rows] == [None, "1", "2", "3"]


def test_markers_of_any_characters(spark: SparkSession, tmp_path: Path) -> None:
    markers = ["don't", "a\\b", "\\", "n/ä", "'", "%s", "a`b", "two words"]
    found = Read(spark, path=csv(tmp_path, "\n".join(["a", *markers, "ab", "dont", "n/a", ""])), null_markers=markers)
    assert [row[0] for row in found.rows] == [*(None for _ in markers), "ab", "dont", "n/a"]
    assert Remark("column 'a'", "null markers, taken as absent", len(markers)) in found.remarks


def test_only_the_very_text_0_is_a_zero(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answer (d): blanks around it aside."""
    found = Read(spark, path=csv(tmp_path, 'A,B\n"x, y",b:1\np;q," 0"\n0.0,0\n00,-0\n'))
    assert found.sets() == [{"A x, y", "B b:1"}, {"A p;q"}, {"A 0.0"}, {"A 00", "B -0"}]


def test_a_header_without_records(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answer (e): an error here, where SDS publishes an empty table."""
    assert "holds no records under its header" in refused(spark, InputError, path=csv(tmp_path, "A,B\n"))


def test_several_values_in_a_cell(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answers, the multi-value file; column names are exact here."""
    text = (
        "RowID,A,B,C,F:SenseZeros,G:SenseZeros,D\n1,a1,b1;b4;b3,c1,0,0,d1|d3\n2,a1,0,c1,0,0,d1||d4\n"
        '3,a1,b1;0,c1,0," Value;ToNormalize ",d1\n'
    )
    found = Read(
        spark,
        path=csv(tmp_path, text),
        columns=["A", "B", "G:SenseZeros", "D"],
        multi_values={"B": ";", "D": "|"},
        sensitive_zeros=["B", "G:SenseZeros"],
        trim=True,
    )
    assert found.names == ["A", "B", "G:SenseZeros", "D"]
    assert found.rows == [
        ("a1", ["b1", "b3", "b4"], "0", ["d1", "d3"]),
        ("a1", ["0"], "0", ["d1", "d4"]),
        ("a1", ["0", "b1"], "Value;ToNormalize", ["d1"]),
    ]


@pytest.mark.parametrize(
    ("cell", "zeros", "joined"),
    [
        ("b1;b4;0;  b3", True, ["0", "b1", "b3", "b4"]),
        ("b1;b4;0;  b3", False, ["b1", "b3", "b4"]),
        ("b2;b3;b2", False, ["b2", "b3"]),
        ("c1;c4;  ;c3", False, ["c1", "c3", "c4"]),
        ("0", False, None),
        (";;", False, None),
    ],
)
def test_cells_are_sets(spark: SparkSession, tmp_path: Path, cell: str, zeros: bool, joined: list[str] | None) -> None:
    """SDS's known answers, what is joined back."""
    path = csv(tmp_path, f"A,B\nx,{cell}\n")
    found = Read(spark, path=path, multi_values={"B": ";"}, sensitive_zeros=["B"] if zeros else [])
    assert found.rows == [("x", joined)]


#: Rows whose join SDS's known answers tell.
SUBJECTS = """ID,A,B,C,F,G,D
2,a1,b1;b2;b3,c2,1,0,d2
1,a1,b1;b3,c1;c2,0,0,d1
3,a2,b1,c2,0,0,d2
4,a2,b2;b3,c1,1,0,d1|d4
9,a1,b1,c2,0,0,d1|d10
5,a2,b2,c2,0,0,d3
1,a1,b4;b3,c3,0,0,d3
6,a2,b2,c1;c3;c4,0,0,d2
9,a2,b2,c2,0,1,d3
8,a3,b2,c2,0,0,d2
7,a2,,c2,0,0,d2
9,b2,b1,c2,0,0,d7
"""
MANY = {"A": ";", "B": ";", "C": ";", "D": "|"}
JOINED = [
    {"A a1", "B b1", "B b3", "B b4", "C c1", "C c2", "C c3", "D d1", "D d3"},
    {"A a1", "B b1", "B b2", "B b3", "C c2", "F 1", "D d2"},
    {"A a2", "B b1", "C c2", "D d2"},
    {"A a2", "B b2", "B b3", "C c1", "F 1", "D d1", "D d4"},
    {"A a2", "B b2", "C c2", "D d3"},
    {"A a2", "B b2", "C c1", "C c3", "C c4", "D d2"},
    {"A a2", "C c2", "D d2"},
    {"A a3", "B b2", "C c2", "D d2"},
    {"A a1", "A a2", "A b2", "B b1", "B b2", "C c2", "G 1", "D d1", "D d10", "D d3", "D d7"},
]


def test_rows_of_a_subject_become_one_record(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answers; the id itself is gone, where SDS counts it like an attribute."""
    found = Read(spark, path=csv(tmp_path, SUBJECTS), subject={"id": "ID"}, multi_values=MANY)
    assert found.names == list("ABCFGD")
    assert sorted(map(sorted, found.sets())) == sorted(map(sorted, JOINED))
    assert Remark("input.subject", "subjects with more than one row, which were joined", 2) in found.remarks


def test_several_values_where_there_should_be_one(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answers: the columns are named; and how many subjects, and the ways out."""
    says = refused(spark, InputError, path=csv(tmp_path, SUBJECTS), subject={"id": "ID"})
    assert says.startswith("columns 'A', 'B', 'C', 'D': hold different values for up to 2 subjects; ")
    assert "input.multi_values" in says
    assert "first, last, most_frequent" in says


def test_a_row_without_an_id(spark: SparkSession, tmp_path: Path) -> None:
    """SDS's known answers."""
    path = csv(tmp_path, SUBJECTS + " ,a1,,,,,\n")
    says = refused(spark, InputError, path=path, subject={"id": "ID"}, multi_values=MANY)
    assert says.startswith("input.subject.id: is empty in 1 rows")


def test_texts_of_one_source_beside_lists_of_another(spark: SparkSession, tmp_path: Path) -> None:
    """As `conf/demo/partners.yml` shows it."""
    one = csv(tmp_path, "means,a\ndebt; threat,x\n0,y\n,z\n")
    pq.write_table(pa.table({"means": [["debt", "work"], None], "a": ["v", "w"]}), tmp_path / "two.parquet")
    sources = {"one": {"path": one}, "two": {"path": str(tmp_path / "two.parquet")}}
    found = Read(spark, sources=sources, multi_values={"means": ";"})
    wanted = [(["debt", "threat"], "x"), (None, "y"), (None, "z"), (["debt", "work"], "v"), (None, "w")]
    assert sorted(found.rows, key=str) == sorted(wanted, key=str)
    says = refused(spark, PlanError, sources=sources)
    assert says.startswith("column 'means': is a list in one source and text in another; make it the same in all")
    assert "input.multi_values.means" in says


# --- subjects


def test_which_of_several_values_is_taken(spark: SparkSession, tmp_path: Path) -> None:
    text = "id,day,a,b,c\n1,2,x,,p\n1,10,y,q,r\n1,9,z,s,r\n2,1,w,,\n"
    found = Read(
        spark,
        path=csv(tmp_path, text),
        subject={"id": "id", "order": "day", "take": {"a": "last", "b": "first", "c": "most_frequent"}},
    )
    assert found.names == ["a", "b", "c"]
    assert sorted(found.rows) == [("w", None, None), ("y", "s", "r")]  # 9 is before 10, and an absent value never taken


def test_ids_are_compared_trimmed_and_with_their_case(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, 'id,a\nx,1\n" x ",1\nX,1\n')
    assert Read(spark, path=path, subject={"id": "id"}).count == 2
    assert Read(spark, path=path, subject={"id": "id", "ignore_case": True}).count == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"subject": {"id": "Id"}}, "input.subject.id: names no column of the input: 'Id'; did you mean 'id'?"),
        ({"subject": {"id": "id"}, "columns": ["id", "a"]}, "input.columns: names the subject id, which is never"),
        ({"subject": {"id": "id", "take": {"a": "first"}}}, "input.subject: is not valid: needs subject.order"),
        ({"subject": {"id": "id", "take": {"q": "most_frequent"}}}, "input.subject.take: names no used column 'q'"),
    ],
)
def test_subjects_that_cannot_be_meant(
    spark: SparkSession, tmp_path: Path, settings: dict[str, Any], says: str
) -> None:
    assert refused(spark, PlanError, path=csv(tmp_path, "id,a\n1,x\n"), **settings).startswith(says)


# --- several organisations


def test_organisations_with_names_and_codes_of_their_own(spark: SparkSession, tmp_path: Path) -> None:
    one = csv(tmp_path, "Nr,Sex,Land,Note\n1,M,DE,x\n2,F,FR,y\n3,?,DE,z\n", "one.csv")
    two = csv(tmp_path, "case\tgender\n1\tmale\n4\tfemale\n", "two.tsv")
    sources = {
        "north": {
            "path": one,
            "columns": {"Nr": "id", "Sex": "gender", "Land": "country"},
            "values": {"gender": {"M": "male", "F": "female"}},
        },
        "south": {"path": two, "columns": {"case": "id", "gender": "gender"}},
    }
    apart = Read(spark, sources=sources, source_column="partner", subject={"id": "id"})
    assert apart.names == ["gender", "country", "partner"]
    assert sorted(apart.rows, key=str) == [
        ("?", "DE", "north"),
        ("female", "FR", "north"),
        ("female", None, "south"),
        ("male", "DE", "north"),
        ("male", None, "south"),
    ]
    assert Remark("source 'north'", "columns left out: 'Note'", 1) in apart.remarks
    unknown = "values that its map does not list (keep)"
    assert Remark("source 'north', column 'gender'", unknown, 1) in apart.remarks
    assert Remark("input.subject", read.IN_SEVERAL_SOURCES, 1) in apart.remarks
    together = Read(spark, sources=sources, subject={"id": "id", "across_sources": True})
    assert not [remark for remark in together.remarks if remark.what == read.IN_SEVERAL_SOURCES]
    assert sorted(together.rows, key=str) == [("?", "DE"), ("female", "FR"), ("female", None), ("male", "DE")]
    sources["north"]["others"] = "absent"
    assert (None, "DE", "north") in Read(spark, sources=sources, source_column="partner", subject={"id": "id"}).rows
    sources["north"]["others"] = "error"
    says = refused(spark, InputError, sources=sources)
    assert says.startswith("source 'north', column 'gender': holds 1 values that its map does not list; complete")


def test_ids_of_several_sources_are_compared_as_subjects_are(spark: SparkSession, tmp_path: Path) -> None:
    """Trimmed, and with their case unless it is ignored; rows of one source alone, and empty ids, do not count."""
    parts = {"one": "x,1\nx,2\n y ,1\nz,1\n", "two": "X,1\ny,1\nw,1\nw,2\n", "three": "y,1\nz,2\n"}
    sources = {name: {"path": csv(tmp_path, f"id,a\n{rows}", f"{name}.csv")} for name, rows in parts.items()}
    for ignore, number in ((False, 2), (True, 3)):
        found = Read(spark, sources=sources, subject={"id": "id", "ignore_case": ignore}, multi_values={"a": ";"})
        assert [one.count for one in found.remarks if one.what == read.IN_SEVERAL_SOURCES] == [number]
    alone = Read(spark, sources={"one": sources["one"]}, subject={"id": "id"}, multi_values={"a": ";"})
    assert not [one for one in alone.remarks if one.what == read.IN_SEVERAL_SOURCES]


def test_sources_with_names_that_are_not_there(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "Sex,b\nM,1\n")
    says = refused(spark, PlanError, sources={"x": {"path": path, "columns": {"sex": "gender"}}})
    assert says == "input.sources.x.columns: names no column of the input: 'sex'; did you mean 'Sex'?"
    says = refused(spark, PlanError, sources={"x": {"path": path, "values": {"gender": {"M": "male"}}}})
    assert says.startswith("input.sources.x.values: names no column 'gender'")
    assert "has both sources and a table" in refused(spark, PlanError, path=path, sources={"x": {"path": path}})


# --- kinds of sources


def test_several_files_encodings_quotes_and_names(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_bytes(f"Größe|b\n'k|ein'|é{name[0]}\n".encode("latin-1"))
    found = Read(
        spark,
        paths=[str(tmp_path / "one.csv"), str(tmp_path / "two.csv")],
        delimiter="|",
        quote="'",
        encoding="ISO-8859-1",
        rename={"Größe": "size"},
    )
    assert found.names == ["size", "b"]
    assert sorted(found.rows) == [("k|ein", "éo"), ("k|ein", "ét")]
    (tmp_path / "two.csv").write_text("other|b\nx|y\n")
    paths = [str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]
    says = refused(spark, InputError, paths=paths, delimiter="|", encoding="ISO-8859-1")
    assert "file 'two.csv': has another header than 'one.csv': see its column 1" in says
    says = refused(spark, PlanError, path=str(tmp_path / "one.csv"), encoding="klingon")
    assert says.startswith("input.encoding: is not known")


def test_queries(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(4).createOrReplaceTempView("numbers_of_the_test")
    found = Read(
        spark, sql="SELECT id % 2 AS odd, array('p', string(id)) AS seen FROM numbers_of_the_test WHERE id > 0"
    )
    assert sorted(found.rows, key=str) == [("1", ["1", "p"]), ("1", ["3", "p"]), (None, ["2", "p"])]
    for query, says in {
        "SELECT secret FROM nowhere_at_all": "names a table that is not there; check the catalog, schema and name",
        "SELECT secret FROM range(3)": "names a column that its tables do not have; check the names of its columns",
        "SELECT secret(id) FROM range(3)": "names a function that Spark does not have; check the names",
        "SELEC 'secret' FROM range(3)": "is no SQL that Spark understands; check its keywords, commas, quotes",
    }.items():
        told = refused(spark, InputError, sql=query)
        assert told.startswith(f"input.sql: {says}")
        assert "secret" not in told


@pytest.mark.takes("writes and reads a Delta table several times")
def test_versions_of_a_delta_table(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "table")
    for values in (1, 2):
        frame: DataFrame = spark.range(values).selectExpr("'x' AS a")
        frame.write.format("delta").mode("overwrite").save(path)
    assert Read(spark, path=path).count == 2
    assert Read(spark, path=path, version=0).count == 1
    assert "is not a readable delta" in refused(spark, InputError, path=path, version=7)
    (log,) = (Path(path) / "_delta_log").glob("*00.json")
    written = datetime.fromtimestamp(log.stat().st_mtime, UTC) + timedelta(milliseconds=1)
    (last,) = (Path(path) / "_delta_log").glob("*01.json")
    os.utime(last, (last.stat().st_mtime + 3_600,) * 2)
    first = (written + timedelta(seconds=60)).strftime("%Y-%m-%d %H:%M:%S")
    assert Read(spark, path=path, timestamp=first).count == 1


def test_truth_values_numbers_and_lists(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "typed.parquet")
    spark.sql(
        "SELECT true AS b, 0.0D AS zero, 1.0D AS one, array('p', 'q', 'p') AS l "
        "UNION ALL SELECT false, 2.5D, NULL, array(' q ', NULL, '0')"
    ).coalesce(1).write.parquet(path)
    assert Read(spark, path=path).rows == [("true", None, "1", ["p", "q"]), (None, "2.5", None, [" q "])]
    sensitive = Read(spark, path=path, sensitive_zeros=["b", "zero", "l"])
    assert sensitive.rows == [("true", "0", "1", ["p", "q"]), ("false", "2.5", None, [" q ", "0"])]


def test_a_number_has_one_text_whatever_its_type(spark: SparkSession, tmp_path: Path) -> None:
    """Whole numbers as integers, small and large ones without a power of ten; in columns and in lists."""
    texts = [
        "1",
        "12345678",
        "0.0001",
        "-1.25",
        "123456789.5",
        "-0.000000125",
        "1" + "0" * 30,
        "0",
        "1.5",
        "100",
        "NaN",
    ]
    numbers = {"f": pa.array(map(float, texts), pa.float64()), "s": pa.array(map(float, texts), pa.float32())}
    for name, kind in (("d", pa.decimal128(38, 4)), ("i", pa.int64())):
        exact = [Decimal(text) if text in ("1", "12345678", "-1.25", "100") else None for text in texts]
        numbers[name] = pa.array(
            [None if kind == pa.int64() and one == Decimal("-1.25") else one for one in exact], kind
        )
    path = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({**numbers, "l": pa.array([[each] for each in numbers["f"].to_pylist()])}), path)
    found = Read(spark, path=str(path), sensitive_zeros=["f", "s", "l"])
    assert [row[0] for row in found.rows] == texts
    assert [row[4] for row in found.rows] == [[text] for text in texts]
    short = ["1", "12345678", "0.0001", "-1.25", "1.5", "100"]
    assert [row[1] for row in found.rows if row[0] in short] == short
    for column, whole in ((2, ["1", "12345678", "-1.25", "100"]), (3, ["1", "12345678", "100"])):
        assert [row[column] for row in found.rows if row[column] is not None] == whole


def test_one_code_of_two_partners_is_one_value_whatever_its_type(spark: SparkSession, tmp_path: Path) -> None:
    for name, kind in (("one", pa.int32()), ("two", pa.float64()), ("three", pa.decimal128(9, 2))):
        pq.write_table(pa.table({"code": pa.array([1, 2], kind)}), tmp_path / f"{name}.parquet")
    sources = {name: {"path": str(tmp_path / f"{name}.parquet")} for name in ("one", "two", "three")}
    assert sorted(Read(spark, sources=sources).rows) == [("1",)] * 3 + [("2",)] * 3


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (pa.array([1], pa.timestamp("ns")), "timestamp[ns], which is not read; write it in microseconds"),
        (pa.array([1], pa.time32("ms")), "time32[ms], which is not read; write it as text"),
        (pa.array([1], pa.time64("us")), "time64[us], which is not read; write it as text"),
        (pa.array([1], pa.duration("us")), "duration[us], which is not read; write it as text, or as a number of days"),
        (pa.array([1.5], pa.float32()).cast(pa.float16()), "halffloat, which is not read; write it as float32"),
        (
            pa.array([Decimal(1)], pa.decimal256(50, 2)),
            "decimal256(50, 2), which is not read; write it with at most 38",
        ),
        (pa.array([b"0123456789abcdef"], pa.uuid()), "extension<arrow.uuid>, which is not read; write it as text"),
        (pa.array([[1]], pa.list_(pa.timestamp("ns"))), "list<element: timestamp[ns]>, which is not read"),
        (pa.array([b"x"]), "nested or binary values (binary); leave it out in a query"),
        (pa.array([{"x": 1}]), "nested or binary values (struct); leave it out in a query"),
    ],
    ids=lambda given: str(given.type) if isinstance(given, pa.Array) else "",
)
def test_a_type_that_is_not_read_is_named_with_its_column(
    spark: SparkSession, tmp_path: Path, values: pa.Array, says: str
) -> None:
    pq.write_table(pa.table({"a": ["x"], "seen": values}), tmp_path / "typed.parquet")
    told = refused(spark, InputError, path=str(tmp_path / "typed.parquet"))
    assert told.startswith("column 'seen': ")
    assert says in told


def test_types_that_are_read(spark: SparkSession, tmp_path: Path) -> None:
    columns = {
        "2021-03-01": pa.array([18687], pa.int32()).cast(pa.date32()),
        "+10000-01-01": pa.array([2932897], pa.int32()).cast(pa.date32()),
        "2021-03-01 00:00:00": pa.array([datetime(2021, 3, 1)], pa.timestamp("us")),
        "1": pa.array([1], pa.uint8()),
        "9223372036854775809": pa.array([2**63 + 1], pa.uint64()),
        "x": pa.array(["x"]).dictionary_encode(),
        "y": pa.array(["y"], pa.large_string()),
        "nothing": pa.nulls(1),
    }
    pq.write_table(pa.table(columns), tmp_path / "typed.parquet")
    wanted = tuple(None if name == "nothing" else name for name in columns)
    assert Read(spark, path=str(tmp_path / "typed.parquet")).rows == [wanted]


def test_null_markers_and_blanks(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, 'a,b\nNA,-\n" NA ",nan\n" x ",NULL\n')
    found = Read(spark, path=path, null_markers=["NA", "-"])
    assert found.rows == [(None, None), (None, "nan"), (" x ", "NULL")]
    assert Remark("column 'a'", "null markers, taken as absent", 2) in found.remarks
    assert any(remark.what.startswith("values with blanks") and remark.count == 1 for remark in found.remarks)
    assert Read(spark, path=path, trim=True).rows[2] == ("x", "NULL")


# --- coarser values


def test_intervals(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "a\n-0.5\n9\n10\n19.99\n20\n107\nold\n1e1\n")
    edges = Read(spark, path=path, numbers={"a": {"edges": [10, 20.5]}})
    labels = ["under 10"] * 2 + ["10 to <20.5"] * 3 + ["20.5 or over", None, "10 to <20.5"]
    assert [row[0] for row in edges.rows] == labels
    assert Remark("column 'a'", "values that are not numbers, taken as absent", 1) in edges.remarks
    width = Read(spark, path=path, numbers={"a": {"width": 10, "bottom": 0, "top": 100}})
    labels = ["under 0", "0 to <10", "10 to <20", "10 to <20", "20 to <30", "100 or over", None, "10 to <20"]
    assert [row[0] for row in width.rows] == labels


def test_widths_are_exact(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "a\n0.3\n0.7\n-0.1\n")
    found = Read(spark, path=path, numbers={"a": {"width": 0.1}})
    assert [row[0] for row in found.rows] == ["0.3 to <0.4", "0.7 to <0.8", "-0.1 to <0.0"]


def test_quantiles_are_rounded_and_hold_at_least_k(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "a\n" + "".join(f"{number}\n" for number in range(1, 998)) + "100000\n")
    found = Read(spark, 50, path=path, numbers={"a": {"quantiles": 4}})
    counts: dict[str, int] = {}
    for (label,) in found.rows:
        counts[label] = counts.get(label, 0) + 1
    assert set(counts) == {"under 250", "250 to <500", "500 to <750", "750 or over"}
    assert min(counts.values()) >= 50
    says = refused(spark, InputError, k=600, path=path, numbers={"a": {"quantiles": 4}})
    assert says.startswith("column 'a': has too few different numbers")


def test_no_edge_is_a_number_of_fewer_than_k(spark: SparkSession, tmp_path: Path) -> None:
    """Edges that the finest step would take from one person, or from the many rows of one, are coarser or left out."""
    sparse = [37_000 + 10_000 * place for place in range(1, 61)]  # 140,000 would be the number of two
    found = Read(spark, 5, path=csv(tmp_path, "\n".join(["a", *map(str, sparse)])), numbers={"a": {"quantiles": 6}})
    assert edges_told(found) == {150_000, 250_000, 350_000, 450_000, 550_000}
    rows = [f"p{number},{number}" for number in range(100, 140)] + ["one,123"] * 60  # 124 would be near to three people
    path = csv(tmp_path, "\n".join(["id,a", *rows]), "subjects.csv")
    assert edges_told(Read(spark, 8, path=path, numbers={"a": {"quantiles": 4}}, subject={"id": "id"})) == {120}


def edges_told(found: Read) -> set[int]:
    """The edges that labels of intervals name."""
    return {int(text) for (label,) in found.rows for text in re.findall("[0-9]+", label)}


@pytest.mark.parametrize(
    ("to", "labels"),
    [
        ("year", ["2020", "2021", "2024"]),
        ("half", ["2020-H2", "2021-H1", "2024-H1"]),
        ("quarter", ["2020-Q4", "2021-Q1", "2024-Q1"]),
        ("month", ["2020-12", "2021-01", "2024-02"]),
        ("week", ["2020-W53", "2020-W53", "2024-W09"]),
        ("day", ["2020-12-31", "2021-01-03", "2024-02-29"]),
    ],
)
def test_periods(spark: SparkSession, tmp_path: Path, to: str, labels: list[str]) -> None:
    path = csv(tmp_path, "a\n2020-12-31\n2021-01-03 23:59:59\n2024-02-29T00:00:00\n2023-02-29\n")
    found = Read(spark, path=path, dates={"a": to})
    assert [row[0] for row in found.rows] == [*labels, None]
    assert Remark("column 'a'", "values that are not dates, taken as absent", 1) in found.remarks


def test_dates_of_a_format(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "a\n31.12.2020\n2020-12-31\n")
    assert Read(spark, path=path, dates={"a": {"to": "month", "format": "dd.MM.yyyy"}}).rows == [("2020-12",), (None,)]


def test_a_date_is_never_finer_than_its_text(spark: SparkSession, tmp_path: Path) -> None:
    texts = ["2017", "2017-02", "2017-02-25", "43101", "+43101-01-01", "-2017-01-01", "0000-01-01", "12:30"]
    path = csv(tmp_path, "a\n" + "".join(f"{text}\n" for text in texts))
    wanted = {"year": ["2017"] * 3, "quarter": [None, "2017-Q1", "2017-Q1"], "day": [None, None, "2017-02-25"]}
    for to, labels in wanted.items():
        found = Read(spark, path=path, dates={"a": to})
        assert [row[0] for row in found.rows] == [*labels, *[None] * 5]
        assert Remark("column 'a'", "values that are not dates, taken as absent", 5) in found.remarks
    assert Remark("column 'a'", "dates that tell less than the day, taken as absent", 2) in found.remarks
    serial = csv(tmp_path, "a\n" + "43101\n43102\n" + "2017\n", "serial.csv")
    assert [row[0] for row in Read(spark, path=serial, dates={"a": {"to": "year", "format": "yyyy"}}).rows] == [
        None, None, "2017",
    ]  # fmt: skip


def test_a_pattern_that_spark_does_not_know_is_an_error_of_the_plan() -> None:
    """Where the check of the plan lets one through, too."""
    error = RuntimeError("[INVALID_DATETIME_PATTERN.WITH_SUGGESTION] Unrecognized 'secret'")
    told = read.explain_failure(error, Examination([]))
    assert isinstance(told, PlanError)
    assert str(told).startswith("input.dates: has a format that is no date pattern")


@pytest.mark.parametrize(
    ("frame", "is_told"),
    [
        ("org.apache.parquet.io.api.Binary$ByteBufferBackedBinary.getBytes(Binary.java:478)", True),
        ("org.apache.spark.sql.execution.datasources.parquet.ParquetDictionary.decodeToBinary(…)", True),
        ("org.apache.spark.sql.execution.datasources.parquet.VectorizedRleValuesReader.readInts(…)", True),
        ("org.apache.spark.sql.execution.datasources.parquet.ParquetOutputWriter.write(…)", False),
        ("org.apache.parquet.hadoop.ParquetRecordWriter.close(…)", False),
    ],
)
def test_pages_of_a_damaged_parquet_file_are_told_wherever_spark_stumbles(frame: str, is_told: bool) -> None:
    """And what goes wrong while run folders are written is not."""
    error = RuntimeError(f"java.lang.IllegalArgumentException: newLimit > capacity: (7 > 5)\n\tat {frame}")
    told = read.explain_failure(error, Examination([]))
    assert (told is not None) == is_told
    assert told is None or str(told).startswith("input: cannot be read to its end; check that the file is whole")


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        ("1,5\n2,5\n", {"delimiter": ";", "numbers": {"a": {"width": 1}}}, "numbers; write numbers as 1234.5"),
        ("3. May\n4. May\n", {"dates": {"a": "month"}}, "dates of the wanted period; say how they are written, as in "
         "input.dates={a: {to: month, format: dd.MM.yyyy}}"),
        ("2017\n2018\n", {"dates": {"a": "month"}}, "dates of the wanted period"),
        ("x\ny\n", {"groups": {"a": {"values": {"X": "one"}, "others": "absent"}}}, "codes of its map; check that"),
        ("x;y\n", {"multi_values": {"a": ";"}, "groups": {"a": {"values": {"X": "one"}, "others": "absent"}}}, "codes"),
    ],
)  # fmt: skip
def test_a_declared_column_of_which_nothing_can_be_read_is_an_error(
    spark: SparkSession, tmp_path: Path, text: str, settings: dict[str, Any], says: str
) -> None:
    told = refused(spark, InputError, path=csv(tmp_path, f"a\n{text}"), **settings)
    assert told.startswith("column 'a': holds 2 values, of which fewer than 10% are ")
    assert says in told


def test_codes_of_a_source_that_its_map_does_not_know_at_all_are_an_error(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "sex,a\nm,x\nf,x\n")
    source = {"path": path, "values": {"sex": {"M": "man", "F": "woman"}}, "others": "absent"}
    told = refused(spark, InputError, sources={"north": source})
    assert told.startswith("source 'north', column 'sex': holds 2 values, of which fewer than 10% are codes of its map")
    known = {**source, "values": {"sex": {"m": "", "F": "woman"}}}
    assert Read(spark, sources={"north": known}).count == 2  # a code of the map may mean absent


def test_zero_is_absent_in_numbers_unless_it_is_sensitive(spark: SparkSession, tmp_path: Path) -> None:
    """However it is written, and however intervals are told."""
    path = csv(tmp_path, "a\n" + "0\n0.0\n00\n-0\n" * 2 + "".join(f"{number}\n" for number in range(1, 25)))
    for bins in ({"width": 12}, {"edges": [12]}, {"quantiles": 2}):
        found = Read(spark, path=path, numbers={"a": bins})
        assert [row[0] for row in found.rows[:8]] == [None] * 8, bins
        assert (
            Remark("column 'a'", "zeros such as 0.0, taken as absent (see input.sensitive_zeros)", 6) in found.remarks
        )
        kept = Read(spark, path=path, numbers={"a": bins}, sensitive_zeros=["a"])
        assert None not in {row[0] for row in kept.rows}, bins


def test_codes_become_groups(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b\nDE,DE;FR\nPE,FR;PE;XX\nXX,\n")
    table = csv(tmp_path, "code,region\nDE,Europe\nFR,Europe\nPE,America\n", "regions.csv")
    mapping = {"path": table, "code": "code", "group": "region", "others": "keep"}
    found = Read(spark, path=path, multi_values={"b": ";"}, groups={"a": mapping, "b": mapping})
    assert found.rows == [("Europe", ["Europe"]), ("America", ["America", "Europe", "XX"]), ("XX", None)]
    written = {"values": {"DE": "E", "FR": "E", "PE": ""}, "others": "absent"}
    found = Read(spark, path=path, multi_values={"b": ";"}, groups={"a": written, "b": written})
    assert found.rows == [("E", ["E"]), (None, ["E"]), (None, None)]
    says = refused(spark, InputError, path=path, groups={"a": {"values": {"DE": "E"}}})
    assert says.startswith("column 'a': holds 2 codes without a group; complete the map")
    twice = csv(tmp_path, "code,region\nDE,x\nDE,y\n", "twice.csv")
    says = refused(spark, InputError, path=path, groups={"a": {**mapping, "path": twice}})
    assert "has a code with two groups" in says


# --- rules, identifiers, names


RULES = [
    {"when": {"age": "0-8"}, "then": {"status": [], "jobs": ["none"]}},
    {"forbid": {"gender": "m", "status": "pregnant"}},
]


def test_records_that_break_a_rule(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "age,status,gender,jobs\n0-8,wed,f,none\n0-8,,m,none;smith\n9-17,pregnant,m,\n9-17,wed,f,x\n")
    settings = {"path": path, "multi_values": {"jobs": ";"}, "constraints": RULES}
    found = Read(spark, **settings)
    assert found.rows == [
        ("0-8", None, "f", None),
        ("0-8", None, "m", None),
        ("9-17", None, "m", None),
        ("9-17", "wed", "f", ["x"]),
    ]
    assert Remark("input.constraints.0", "records that break it (drop_values)", 2) in found.remarks
    assert Remark("input.constraints.1", "records that break it (drop_values)", 1) in found.remarks
    assert Read(spark, **settings, on_violation="drop_record").rows == [("9-17", "wed", "f", ["x"])]
    says = refused(spark, InputError, **settings, on_violation="error")
    assert says.startswith("input.constraints.0: is broken by 2 records; mend them")
    says = refused(spark, PlanError, path=path, constraints=[{"forbid": {"age": "x", "statsu": "y"}}])
    assert says.startswith("input.constraints.0: names no used column 'statsu'; did you mean 'status'?")


def test_rules_that_can_never_hold_are_remarked_on(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "sex,means\nman,debt;threat\nwoman,debt\n")
    nowhere = (
        "values that it names and no record holds (compare their spelling with the values that are left after reading)"
    )
    rules = [
        {"when": {"sex": "man"}, "then": {"sex": ["woman"], "means": []}},
        {"when": {"sex": "Man"}, "then": {"means": ["debt", "labour"]}},
        {"forbid": {"sex": "woman", "means": "threat"}},
    ]
    found = Read(spark, path=path, multi_values={"means": ";"}, constraints=rules)
    told = {(remark.subject, remark.what): remark.count for remark in found.remarks}
    assert told["input.constraints.1", nowhere] == 2
    (contradicted,) = [remark for remark in found.remarks if remark.what.startswith("columns of which `then`")]
    assert (contradicted.subject, contradicted.count) == ("input.constraints.0", 1)
    assert not [remark for remark in found.remarks if remark.subject == "input.constraints.2"]


def test_identifiers_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "case,a\n" + "".join(f"c{number},x\n" for number in range(1_200)))
    says = refused(spark, InputError, path=path)
    assert says.startswith("column 'case': has a value of its own for more than 80% of 1,200 records: an identifier")
    assert Read(spark, path=path, identifiers=["case"]).count == 1_200
    assert Read(spark, path=path, columns=["a"]).count == 1_200


def test_near_unique_columns_are_told_of(spark: SparkSession, tmp_path: Path) -> None:
    path = csv(tmp_path, "zip,a\n" + "".join(f"z{number % 300},x{number % 5}\n" for number in range(1_200)))
    told = Read(spark, k=10, path=path).remarks
    assert [remark.subject for remark in told if "most are rarer than k" in remark.what] == ["column 'zip'"]
    assert not Read(spark, k=2, path=path).remarks


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"columns": ["Age"]}, "input.columns: names no column of the input: 'Age'; did you mean 'age'?"),
        ({"rename": {"Age": "x"}}, "input.rename: names no column of the input: 'Age'; did you mean 'age'?"),
        ({"rename": {"age": "B"}}, "input: has the same name for columns"),
        ({"multi_values": {"c": ";"}}, "input.multi_values: names no used column 'c'"),
        ({"numbers": {"agee": {"width": 1}}}, "input.numbers: names no used column 'agee'; did you mean 'age'?"),
        ({"dates": {"day": "month"}}, "input.dates: names no used column 'day'"),
        ({"groups": {"c": {"values": {"x": "y"}}}}, "input.groups: names no used column 'c'"),
        ({"identifiers": ["c"]}, "input.identifiers: names no used column 'c'"),
        ({"sensitive_zeros": ["c"]}, "input.sensitive_zeros: names no used column 'c'"),
        ({"subject": {"id": "case"}}, "input.subject.id: names no column of the input: 'case'"),
        ({"subject": {"id": "b", "order": "day"}}, "input.subject.order: names no column of the input: 'day'"),
        ({"subject": {"id": "b", "take": {"c": "most_frequent"}}}, "input.subject.take: names no used column 'c'"),
        ({"constraints": [{"forbid": {"age": "1", "c": "x"}}]}, "input.constraints.0: names no used column 'c'"),
        (
            {"multi_values": {"age": ";"}, "numbers": {"age": {"width": 1}}},
            "input.numbers: names 'age', which has several values a record",
        ),
    ],
)
def test_names_that_are_not_there(spark: SparkSession, tmp_path: Path, settings: dict[str, Any], says: str) -> None:
    """The plan says so before Spark is asked, in the same words."""
    path = csv(tmp_path, "age,b\n1,x\n")
    told = refused(spark, SynthSparkError, path=path, **settings)
    assert told.startswith(says)
    if says.startswith("input."):
        with pytest.raises(PlanError) as caught:
            look(parse({"input": {"path": path, **settings}}))
        assert caught.value.whole() == told
