"""Spark and its tasks read in a real HDFS what they read on this machine, and see what is wrong there."""

import gzip
import lzma
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from reading import by_spark

from synth_spark.cli import comparing
from synth_spark.errors import InputError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.plan import parse
from synth_spark.read.examination import Examination
from synth_spark.read.locations import open_table
from synth_spark.schema import tables
from synth_spark.storage.places import place
from synth_spark.storage.run_store import RunStore
from synth_spark.tuning import grid_search
from synth_spark.tuning.comparability import SYNTHETIC

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

#: A figure of a trial, as its table of measures.
MEASURES = pa.table(
    {
        "comparison": [SYNTHETIC],
        "measure": ["common"],
        "length": pa.array([2], pa.int32()),
        "count_bin": pa.array([None], pa.string()),
        "value": [2.0],
    }
)


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


def test_trials_are_kept_beside_run_folders_there(
    spark: SparkSession, hdfs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their records are written by Spark; of what they count one figure is put there by hand."""
    (tmp_path / "cases.csv").write_text("a,b\n" + "x,y\n" * 20 + "x,z\n" * 20)
    plan = parse({"input": {"path": str(tmp_path / "cases.csv")}, "work": f"{hdfs}/tried", "run_id": "one", "seed": 3})
    folder, grid = grid_search.default_folder(plan), grid_search.Grid((3, 5), (2,), ("row_seeded",), sample=30)
    assert folder.startswith(f"{hdfs}/tried/tune-")
    comparing.check_folder(folder, "--trials")
    grid_search.check(plan, grid, folder)
    read = api.work

    def work(run: Run, stage: str) -> None:
        if stage == "read":
            read(run, stage)
        elif stage == "evaluate":
            with run.store.stage(stage):
                run.store.keep(spark, tables.MEASURES, run.store.write_rows(tables.MEASURES, MEASURES))

    monkeypatch.setattr(api, "work", work)
    tried = grid_search.tune(Run(spark, RunStore.create(plan), Progress(quiet=True)), grid, folder)
    names = [f"k{k}-R2-row_seeded" for k in grid.ks]
    assert [(one.run_id, one.figure("common", 2)) for one in tried] == [(name, 2) for name in names]
    trials = [RunStore.open(f"{folder}/{one.run_id}").kept(spark, tables.RECORDS) for one in tried]
    assert [one.rows for one in trials] == [30, 30]
    assert len({one.content_hash for one in trials}) == 1
