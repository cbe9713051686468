"""Spark reads and writes in a real S3 server; who may use it is told by the environment, and by nothing else."""

import gzip
import json
import lzma
import os
import subprocess
import sys
from typing import Any

import obstore
import obstore.store
import pytest

#: Inputs by their names in S3 and on this machine, with keys of a plan; Spark reads some of them, and tasks the others.
_CASES = b"age,district\n30,north\n40,\n"
INPUTS: dict[str, tuple[bytes, dict[str, Any]]] = {
    "cases.csv": (_CASES, {}),
    "packed.csv.gz": (gzip.compress(_CASES), {}),
    "packed.csv.xz": (lzma.compress(_CASES), {}),
    "wide.csv": (_CASES.decode().encode("utf-16"), {"encoding": "utf-16"}),
    "years/year=2020/one ü.csv": (_CASES, {}),
    "years/year=2021/two.csv": (b"district,age\nsouth,50\n", {}),
    "lines.jsonl": (b'{"age": 30, "district": "north"}\n{"age": 40}\n', {}),
}
#: A process with a session of its own that reads, writes and is refused in S3, and tells what its settings are. In the
#: end it is let in no more, while its tasks are.
_WORK = """
import json, os, sys
from dataclasses import asdict
from reading import by_spark
from synth_spark.errors import InputError
from synth_spark.read.examination import Examination
from synth_spark.read.locations import open_table
from synth_spark.plan import parse
from synth_spark.runtime.libraries import Libraries
from synth_spark.runtime.session import session

def examined(opened):
    try:
        Examination(opened.files, spark=spark).check()
    except InputError as error:
        return str(error)

with session(Libraries(s3=True), quiet=True) as spark:
    rows = spark.read.option("header", True).csv("s3://files/cases.csv").collect()
    spark.range(5).write.mode("overwrite").parquet("s3a://files/written")
    count = spark.read.parquet("s3://files/written").count()
    settings = dict(spark.sparkContext.getConf().getAll())
    settings["class path"] = spark.sparkContext._jvm.java.lang.System.getProperty("java.class.path")
    try:
        spark.read.parquet("s3a://files/nothing").count()
        refusal = ""
    except Exception as error:
        refusal = str(error)
    inputs = json.loads(sys.argv[1])
    read = [asdict(answer) for answer in by_spark(spark, inputs)]
    plans = [parse({"input": {"path": f"s3://files/{name}", "format": "csv"}}) for name in ("cases.csv", "torn")]
    opened = [open_table(spark, plan.input) for plan in plans]
    os.environ["AWS_SECRET_ACCESS_KEY"] = "another"
    looks = [examined(one) for one in opened]
told = {"read": read, "looks": looks, "rows": [row.asDict() for row in rows], "count": count}
print(json.dumps({**told, "settings": settings, "refusal": refusal}))
"""


@pytest.fixture(scope="module")
def told(s3_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a process says that works in S3, and its whole output."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patched:
        for name, value in s3_environment.items():
            patched.setenv(name, value)
        store = obstore.store.from_url("s3://files")
        obstore.put(store, "torn", b"age,district\n30,north\n" + b"40,north\n" * 2000 + b'50,"north\n')
        for name, (content, _) in INPUTS.items():
            obstore.put(store, name, content)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
    tops = {name.partition("/")[0]: keys for name, (_, keys) in INPUTS.items()}
    inputs = [{"path": f"{root}/{name}", **keys} for root in ("s3://files", folder) for name, keys in tops.items()]
    environment = {**os.environ, **s3_environment, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, "-c", _WORK, json.dumps(inputs)]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "output": done.stdout + done.stderr}


def test_spark_reads_and_writes_where_the_environment_says(told: dict[str, Any]) -> None:
    assert told["rows"] == [{"age": "30", "district": "north"}, {"age": "40", "district": None}]
    assert told["count"] == 5


def test_what_is_read_of_s3_is_what_is_read_of_this_machine(told: dict[str, Any]) -> None:
    there, here = told["read"][: len(told["read"]) // 2], told["read"][len(told["read"]) // 2 :]
    assert there == here
    assert [len(one["rows"]) for one in here] == [2, 2, 2, 2, 3, 2]


def test_tasks_look_at_every_byte_of_what_spark_reads(told: dict[str, Any]) -> None:
    fine, torn = told["looks"]
    assert fine is None
    assert "file 'torn'" in torn


def test_java_takes_its_archive_of_classes(told: dict[str, Any]) -> None:
    """It does if its class path begins with that of the archive: what S3 needs comes behind Spark's own files."""
    paths = told["settings"]["class path"].split(os.pathsep)
    own = [at for at, path in enumerate(paths) if "/pyspark/" in path]
    others = [at for at, path in enumerate(paths) if "/pyspark/" not in path]
    assert others
    assert min(others) > max(own)


def test_no_key_is_in_a_setting_a_log_or_a_message(told: dict[str, Any], s3_environment: dict[str, str]) -> None:
    assert told["settings"]["spark.hadoop.fs.s3a.endpoint"] == s3_environment["AWS_ENDPOINT_URL"]
    assert told["refusal"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert s3_environment[name] not in told["output"]
