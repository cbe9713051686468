"""Spark reads and writes in a real S3 server; who may use it is told by the environment, and by nothing else."""

import json
import os
import subprocess
import sys
from typing import Any

import obstore
import obstore.store
import pytest

#: A process with a session of its own that reads, writes and is refused in S3, and tells what its settings are.
_WORK = """
import json, sys
from synth_spark.runtime.session import Libraries, session
with session(Libraries(s3=True), quiet=True) as spark:
    rows = spark.read.option("header", True).csv("s3://files/cases.csv").collect()
    spark.range(5).write.mode("overwrite").parquet("s3a://files/written")
    count = spark.read.parquet("s3://files/written").count()
    settings = dict(spark.sparkContext.getConf().getAll())
    try:
        spark.read.parquet("s3a://files/nothing").count()
        refusal = ""
    except Exception as error:
        refusal = str(error)
print(json.dumps({"rows": [row.asDict() for row in rows], "count": count, "settings": settings, "refusal": refusal}))
"""


@pytest.fixture(scope="module")
def told(s3_environment: dict[str, str]) -> dict[str, Any]:
    """What a process says that works in S3, and its whole output."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in s3_environment.items():
            patched.setenv(name, value)
        obstore.put(obstore.store.from_url("s3://files"), "cases.csv", b"age,district\n30,north\n40,\n")
    done = subprocess.run(
        [sys.executable, "-c", _WORK], env=os.environ | s3_environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout.splitlines()[-1]), "output": done.stdout + done.stderr}


def test_spark_reads_and_writes_where_the_environment_says(told: dict[str, Any]) -> None:
    assert told["rows"] == [{"age": "30", "district": "north"}, {"age": "40", "district": None}]
    assert told["count"] == 5


def test_no_key_is_in_a_setting_a_log_or_a_message(told: dict[str, Any], s3_environment: dict[str, str]) -> None:
    assert told["settings"]["spark.hadoop.fs.s3a.endpoint"] == s3_environment["AWS_ENDPOINT_URL"]
    assert told["refusal"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        assert s3_environment[name] not in told["output"]
