"""What a run that adds to an earlier one costs: python benchmarks/incremental.py [ROWSxCOLUMNSxR] [--files N --new N].

A table is written as files of equal size. Up to its aggregates it is counted three times, in one session: without the
last few files; whole; and the last few added to the first count. The last two must keep the same tables, hash by
hash. Printed are the seconds of every stage and of every kept table, the best of some rounds.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from bench import Case
from pyspark.sql import SparkSession

from synth_spark import plan as plans
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.runtime.session import session
from synth_spark.schema import tables

_STAGES = ("read", "encode", "aggregate")
#: What both ways keep; all but the last is counting.
_SAME = (tables.RECORDS, tables.DOMAIN, tables.CODES, tables.COUNTS, tables.AGGREGATES)


def main() -> int:
    """Generate, count, compare, print; 1 if the two ways do not keep the same."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        case = Case.parse(options.size)
        parts = _cut(case.table(Path(options.cache or folder)), options.files, folder / "parts")
        with session(long=True) as spark:
            found: dict[str, list[Run]] = {"whole": [], "added": []}
            before = _counted(spark, parts[: -options.new], case.length, folder / "before", None)
            for number in range(options.rounds):
                since = str(before.store.folder)
                found["whole"].append(_counted(spark, parts, case.length, folder / f"whole-{number}", None))
                found["added"].append(_counted(spark, parts, case.length, folder / f"added-{number}", since))
            whole, added = found["whole"][0], found["added"][0]
            differing = [table.name for table in _SAME if _hash(whole, table) != _hash(added, table)]
            new, records = added.kept(tables.NEW_RECORDS).rows, added.records
        print(f"{new:,} of {records:,} records are new. Kept tables that differ: {', '.join(differing) or 'none'}.\n")
        _print(found)
    return 1 if differing else 0


def _cut(file: Path, number: int, folder: Path) -> list[str]:
    """The table as files of consecutive rows."""
    folder.mkdir()
    table, paths = pq.read_table(file), []
    for part in range(number):
        low, high = (table.num_rows * at // number for at in (part, part + 1))
        paths.append(str(folder / f"part-{part:03d}.parquet"))
        pq.write_table(table.slice(low, high - low), paths[-1], row_group_size=100_000, compression="zstd")
    return paths


def _counted(spark: SparkSession, paths: list[str], length: int, folder: Path, since: str | None) -> Run:
    asked = {"input.paths": paths, "input.since": since, "reporting_length": length, "seed": 1}
    plan = plans.load(None, {**asked, "output.path": str(folder), "run_id": "bench"})
    run = api.start(spark, plan, Progress(quiet=True))
    for stage in _STAGES:
        api.work(run, stage)
    return run


def _hash(run: Run, table: tables.Table) -> str:
    return str(run.store.manifest["tables"][table.name]["content_hash"])


def _print(found: dict[str, list[Run]]) -> None:
    def best(way: str, kind: str, name: str) -> float:
        return min(run.store.manifest[kind].get(name, {"seconds": 0.0})["seconds"] for run in found[way])

    def row(title: str, whole: float, added: float) -> None:
        share = f"{100 * added / whole:.0f} %" if whole else "–"
        print(f"| {title} | {whole:.1f} | {added:.1f} | {share} |")

    print("| | everything, s | what is new, s | |\n|---|---:|---:|---:|")
    for name in (*(table.name for table in (tables.NEW_RECORDS, tables.CHANGED_CODES)), *(t.name for t in _SAME)):
        row(f"table {name}", best("whole", "tables", name), best("added", "tables", name))
    counting = [
        table.name for table in (tables.NEW_RECORDS, tables.CHANGED_CODES, *_SAME) if table != tables.AGGREGATES
    ]
    row("**counting: all but aggregates**", *(sum(best(way, "tables", name) for name in counting) for way in found))
    for stage in _STAGES:
        row(f"stage {stage}", best("whole", "stages", stage), best("added", "stages", stage))
    row("**all three stages**", *(sum(best(way, "stages", stage) for stage in _STAGES) for way in found))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what adding to an earlier run costs.")
    parser.add_argument("size", metavar="ROWSxCOLUMNSxR", nargs="?", default="1000000x20x3")
    parser.add_argument("--files", type=int, default=40, help="number of files")
    parser.add_argument("--new", type=int, default=2, help="how many of them are new: the last ones")
    parser.add_argument("--rounds", type=int, default=3, help="how often; the best counts")
    parser.add_argument("--cache", metavar="FOLDER", help="keep generated tables there; default: they are removed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
