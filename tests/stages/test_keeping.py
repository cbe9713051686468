"""What every kept table rests on: its content hash, and records of codes that are merged bucket by bucket."""

import hashlib
import random
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synth_spark.encode import codes
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.run import FEW_RECORDS, Run
from synth_spark.plan import load
from synth_spark.schema import tables
from synth_spark.schema.domain import Domain, build
from synth_spark.schema.fields import Field
from synth_spark.storage.hashing import content_hash
from synth_spark.storage.run_store import RunStore

ROWS = [("a", 1), ("b", -5), (None, 2**60), ("b", -5), ("ü", None)]


def by_definition(frame: DataFrame) -> str:
    """The content hash written out: sums of whole hashes as Python's integers, which know no overflow."""
    parts = [part for index, name in enumerate(frame.columns) for part in (F.lit(index), F.col(name))]
    row = F.xxhash64(*parts)
    found = frame.select(row.alias("one"), F.xxhash64(row, F.lit(2)).alias("two")).collect()
    sums = [sum(each[name] for each in found) for name in ("one", "two")]
    return hashlib.sha256("/".join(map(str, [len(found), *sums])).encode()).hexdigest()


@pytest.mark.parametrize("number", [0, 1, 5, 700])
def test_the_content_hash_is_that_of_whole_sums(spark: SparkSession, number: int, tmp_path: Path) -> None:
    rows = (ROWS * 140)[:number]
    frame = spark.createDataFrame(rows, "text string, number bigint")
    expected = by_definition(frame)
    assert content_hash(frame) == content_hash(frame.repartition(3).orderBy("number")) == expected
    store = RunStore.create(load(None, {"input.path": "x.csv", "output.path": str(tmp_path / "out")}))
    written = store.write_frame(tables.RECORDS, frame)
    assert store.keep(spark, tables.RECORDS, written).content_hash == expected


def test_what_is_published_has_large_row_groups_and_what_tasks_share_has_small_ones(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Of what is published readers ask an object store for each column of each group."""
    store = RunStore.create(load(None, {"input.path": "x.csv", "output.path": str(tmp_path / "out")}))
    texts = [F.concat(F.lit("value "), F.col("id") * 7 % (97 + at)).alias(f"c{at}") for at in range(20)]
    frame = spark.range(0, 30_000, 1, 1).select(*texts)
    groups = {}
    for table in (tables.SYNTHETIC_RECORDS, tables.RECORDS):
        kept = store.keep(spark, table, store.write_frame(table, frame))
        (name,) = kept.files
        groups[table.name] = pq.ParquetFile(Path(kept.folder.address) / name).metadata.num_row_groups
    assert groups["synthetic_records"] == 1
    assert groups["records"] > 1


def kept_in_parts(spark: SparkSession, folder: Path, table: tables.Table, **facts: object) -> list[str]:
    """Names of what is in the folder of a table that a run of such facts has kept of a frame of three partitions."""
    store = RunStore.create(
        load(None, {"input.path": "x.csv", "output.path": str(folder / "out"), "reporting_length": 2})
    )
    store.manifest["facts"] = facts
    run = Run(spark, store, Progress(quiet=True))
    kept = run.keep(table, spark.range(0, 90, 1, 3).select(F.col("id").cast("string").alias("c0")))
    assert kept.frame.count() == kept.rows == 90
    assert set(kept.files) == {file.name for file in Path(kept.folder.address).iterdir()}  # no checksums, no marks
    return sorted(kept.files)


def test_a_small_run_keeps_a_table_as_one_file_and_a_published_one_as_it_is(
    spark: SparkSession, tmp_path: Path
) -> None:
    """How many files readers see must not tell how many records there are."""
    few, many = {"records": 90, "fields": [{"name": "a"}] * 3}, {"records": FEW_RECORDS + 1, "fields": [{"name": "a"}]}
    wide = {"records": FEW_RECORDS, "fields": [{"name": "a"}] * 300}
    assert len(kept_in_parts(spark, tmp_path / "few", tables.CODES, **few)) == 1
    for name, facts in (("many", many), ("wide", wide), ("unknown", {})):
        assert len(kept_in_parts(spark, tmp_path / name, tables.CODES, **facts)) == 3, name
    assert len(kept_in_parts(spark, tmp_path / "safe", tables.SYNTHETIC_RECORDS, **few)) == 3


def test_a_damaged_file_is_noticed_where_it_is_read(spark: SparkSession, tmp_path: Path) -> None:
    """Within a run, too, where nothing compares hashes: bytes that do not compress would else be read as others."""
    store = RunStore.create(load(None, {"input.path": "x.csv", "output.path": str(tmp_path / "out")}))
    rows = [(random.Random(number).randbytes(500),) for number in range(200)]
    kept = store.keep(
        spark, tables.CODES, store.write_frame(tables.CODES, spark.createDataFrame(rows, "record binary"))
    )
    assert kept.frame.agg(F.max(F.xxhash64("record"))).collect()
    name = max(kept.files, key=lambda file: Path(kept.folder.address, file).stat().st_size)
    content = bytearray(Path(kept.folder.address, name).read_bytes())
    content[len(content) // 2] ^= 0xFF
    Path(kept.folder.address, name).write_bytes(content)
    with pytest.raises(Exception, match=r"(?i)checksum|crc"):
        kept.frame.agg(F.max(F.xxhash64("record"))).collect()


def test_one_cell_more_one_moved_or_one_doubled_is_another_hash(spark: SparkSession) -> None:
    def hashed(*rows: tuple[str | None, str | None]) -> str:
        return content_hash(spark.createDataFrame(list(rows), "one string, two string"))

    different = [[("a", None)], [(None, "a")], [("a", "a")], [("a", None)] * 2, [("a", None), (None, None)]]
    assert len({hashed(*rows) for rows in different}) == len(different)


def _domain(records: list[tuple[str | None, str | None]]) -> Domain:
    counted = Counter((column, value) for row in records for column, value in enumerate(row) if value is not None)
    columns, values, counts = zip(*((c, v, n) for (c, v), n in counted.items()), strict=True)
    marginals = pa.table({"column": pa.array(columns, pa.int32()), "value": values, "count": counts})
    return build((Field("one"), Field("two")), marginals, len(records), 1)


@pytest.mark.parametrize("rows", [1, 1_000_000])
def test_records_are_merged_however_they_lie(spark: SparkSession, rows: int) -> None:
    records = [("x", "p"), ("y", None), (None, None), ("x", "p"), ("z", "q"), ("y", None)] * 50
    domain = _domain(records)
    expected = Counter(tuple(0 if v is None else domain.columns[c].values.index(v) + 1 for c, v in enumerate(row))
                       for row in records)  # fmt: skip
    for parts in (1, 3):
        frame = spark.createDataFrame(records, "one string, two string").repartition(parts)
        found = codes.codes(frame, domain, rows).collect()
        packed = [tuple(row["record"][at] for at in (0, 2)) for row in found]
        assert len(packed) == len(set(packed)) == 4
        assert dict(zip(packed, (row["multiplicity"] for row in found), strict=True)) == expected


def test_a_table_without_records_has_no_codes(spark: SparkSession) -> None:
    domain = _domain([("x", "p")])
    assert codes.codes(spark.createDataFrame([], "one string, two string"), domain, 0).collect() == []


def test_records_without_a_column_that_is_counted_are_all_the_same(spark: SparkSession) -> None:
    marginals = pa.table({"column": pa.array([0, 0], pa.int32()), "value": ["a", "b"], "count": [2, 1]})
    domain = build((Field("signs", many=True),), marginals, 3, k=5)
    assert not domain.columns
    records = spark.createDataFrame([(["a", "b"],), (["a"],), (None,)], "signs array<string>")
    (found,) = codes.codes(records, domain, 3).collect()
    assert (bytes(found["record"]), found["multiplicity"]) == (b"", 3)
