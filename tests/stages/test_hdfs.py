"""Spark and its tasks read in a real HDFS what they read on this machine, and see what is wrong there."""

import gzip
import lzma
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from reading import by_spark

from synth_spark.errors import InputError
from synth_spark.plan import parse
from synth_spark.read.examination import Examination
from synth_spark.read.locations import open_table
from synth_spark.storage.places import place

#: Inputs by their names; Spark reads some of them, and tasks the others.
_CASES = b"age,district\n30,north\n40,\n"
INPUTS = {
    "cases.csv": _CASES,
    "packed.csv.gz": gzip.compress(_CASES),
    "packed.csv.xz": lzma.compress(_CASES),
    "years/year=2020/one ü.csv": _CASES,
    "years/year=2021/two.csv": b"district,age\nsouth,50\n",
    "lines.jsonl": b'{"age": 30, "district": "north"}\n{"age": 40}\n',
}


def test_what_is_read_of_hdfs_is_what_is_read_of_this_machine(spark: SparkSession, hdfs: str, tmp_path: Path) -> None:
    roots = [f"{hdfs}/read", str(tmp_path)]
    for root in roots:
        for name, content in INPUTS.items():
            place(root).write(name, content)
    tops = dict.fromkeys(name.partition("/")[0] for name in INPUTS)
    there, here = (by_spark(spark, [{"path": f"{root}/{name}"} for name in tops]) for root in roots)
    assert there == here
    assert [len(one.rows) for one in here] == [2, 2, 2, 3, 2]


def test_tasks_look_at_every_byte_of_what_spark_reads_there(
    spark: SparkSession, hdfs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(f"{hdfs}/torn").write("cases.csv", b"age,district\n30,north\n" + b"40,north\n" * 2000 + b'50,"north\n')
    opened = open_table(spark, parse({"input": {"path": f"{hdfs}/torn/cases.csv"}}).input)
    with pytest.raises(InputError, match=r"file 'cases\.csv'"):
        Examination(opened.files, spark=spark).check()
