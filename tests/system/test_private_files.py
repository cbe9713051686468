"""What a local session shuffles and spills: nobody else can reach it, and no value can be read in it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MARKER = "Esmeralda-of-Nowhere"
#: Shuffles and spills rows that hold a marker, uncompressed, and looks for it in all that Spark has written meanwhile:
#: in a task, while the sorted rows that it reads are spilled, and once all is done.
SPILLING = """
import json, os, stat, sys
from pathlib import Path
import pyarrow as pa
from synth_spark.runtime import session as sessions

work, marker, encrypts = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
settings = sessions.local_settings
plain = {} if encrypts == "true" else {"spark.io.encryption.enabled": "false"}
sessions.local_settings = lambda *words: settings(*words) | plain | {
    "spark.shuffle.compress": "false",
    "spark.shuffle.spill.compress": "false",
    "spark.shuffle.sort.bypassMergeThreshold": "1",
    "spark.shuffle.spill.numElementsForceSpillThreshold": "4000",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100",
    "spark.driver.memory": "1g",
}

def look(places):
    files = [file for place in places for file in Path(place).rglob("*") if file.is_file()]
    kinds = sorted({file.name.split("_")[0] for file in files if file.suffix == ".data" or "temp_" in file.name})
    return kinds, sum(marker.encode() in file.read_bytes() for file in files), len(files)

with sessions.session(quiet=True, place=work) as spark:
    local = spark.conf.get("spark.local.dir")
    java = spark.sparkContext._jvm.java.lang.System.getProperty("java.io.tmpdir")

    def during(batches):
        next(batches)  # all that follow, much more than a pipe holds, are spilled
        kinds, found, files = look([local])
        for _ in batches:
            pass
        yield pa.RecordBatch.from_pylist([{"kinds": json.dumps(kinds), "found": found, "files": files}])

    rows = spark.range(40000).selectExpr(f"concat('{marker}', id, repeat(' ', 600)) AS name", "id % 7 AS key")
    spilled = rows.repartition(2, "name").sortWithinPartitions("key", "name")
    seen = [row.asDict() for row in spilled.mapInArrow(during, "kinds string, found long, files long").collect()]
    kinds, found, files = look([local, java])
    modes = {place: stat.S_IMODE(os.stat(place).st_mode) for place in (local, java)}
    told = []
    sessions.say_if_plain(spark, told.append)
    sessions.say_if_plain(spark, told.append)
    print(json.dumps({"during": seen, "found": found, "modes": modes, "told": told}))
"""


@pytest.mark.parametrize("encrypts", [True, False], ids=["as it is", "without encryption"])
def test_no_value_can_be_read_in_what_is_shuffled_and_spilled(encrypts: bool, tmp_path: Path) -> None:
    """Without encryption the same search finds the marker: so it would find one."""
    work, temporary = tmp_path / "out.work", tmp_path / "tmp"
    temporary.mkdir()
    words = [sys.executable, "-c", SPILLING, str(work), MARKER, str(encrypts).lower()]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": str(temporary)}, umask=0
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert any("temp" in row["kinds"] and "shuffle" in row["kinds"] for row in told["during"]), told
    found = [row["found"] for row in told["during"]]
    assert all(number == 0 for number in [*found, told["found"]]) if encrypts else min(*found, told["found"]) > 0, told
    assert [Path(place).parent for place in told["modes"]] == [work, temporary]
    assert set(told["modes"].values()) == {0o700}, "whatever the umask"
    assert len(told["told"]) == (0 if encrypts else 1)
    assert all("spark.io.encryption.enabled is off" in text for text in told["told"])
    assert list(work.iterdir()) == [], "nothing is left"
    assert list(temporary.iterdir()) == []
