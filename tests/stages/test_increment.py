"""A run that adds to an earlier one keeps what a run over everything would keep, row for row; or it says why not."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from releasing import in_several_files

from synth_spark import aggregate, validate
from synth_spark import plan as plans
from synth_spark.assess.differencing_bounds import DISCLOSURES, KNOWN
from synth_spark.errors import AuditFailed, InputError, RunError
from synth_spark.kernels.counting.domain_remap import Renumbering
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api, incremental
from synth_spark.pipeline.audit import accept
from synth_spark.pipeline.run import Run
from synth_spark.plan import Plan
from synth_spark.schema import tables
from synth_spark.schema.domain import Domain
from synth_spark.storage.run_store import RunStore

K = 8
COUNTING = ("read", "encode", "aggregate")
COUNTED = (tables.RECORDS, tables.DOMAIN, tables.CODES, tables.COUNTS, tables.AGGREGATES)
WARNINGS = ("differencing.enough_added", "differencing.no_small_group")
Make = Callable[..., Path]


def cases(seed: int, number: int, late: bool) -> str:
    """Cases with empty cells; later ones have new values, other frequencies, and values of lists that were rare.

    Among them are seven of kind s in place t, both of which others have, too; later one more comes.
    """
    draw, rows = random.Random(seed), ["kind,place,signs,only"]
    for _ in range(number):
        kind = draw.choices(["x", "y", "z", "0", ""], [2, 9, 2, 1, 1] if late else [6, 3, 1, 1, 1])[0]
        place = draw.choice(["p", "q", "", "new:1", "new;2"] if late else ["p", "q", ""])
        signs = draw.sample(["a", "b", "c"], draw.randint(0, 2)) + (
            ["r"] if draw.random() < (0.3 if late else 0.05) else []
        )
        rows.append(f'{kind},"{place}",{"|".join(signs)},{"yes" if late and draw.random() < 0.5 else ""}')
    rows += ["s,t,,"] if late else 7 * ["s,t,,"] + 4 * ["s,p,,"] + 9 * ["x,t,,"] if seed == 0 else []
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a folder of files: early ones, then late ones."""

    def write(early: int = 2, late: int = 1) -> Path:
        folder = tmp_path_factory.mktemp("cases")
        for number in range(early + late):
            add(folder, number, number >= early)
        return folder

    return write


def add(folder: Path, number: int, late: bool) -> None:
    (folder / f"{number}.csv").write_text(cases(number, 60, late))


def asked(source: Path, out: Path, **keys: Any) -> Plan:
    content = {
        "input.path": str(source), "input.format": "csv", "input.multi_values": {"signs": "|"}, "privacy.k": K,
        "privacy.stepwise": False, "output.path": str(out), "seed": 3,
        **{key.replace("__", "."): value for key, value in keys.items()},
    }  # fmt: skip
    return plans.load(None, content)


def counted(spark: SparkSession, source: Path, out: Path, **keys: Any) -> Run:
    """A run up to its aggregates."""
    run = api.start(spark, asked(source, out, **keys), Progress(quiet=True))
    for stage in COUNTING:
        api.work(run, stage)
    return run


def assert_same(one: Run, other: Run, *more: tables.Table) -> None:
    for table in (*COUNTED, *more):
        assert one.kept(table).content_hash == other.kept(table).content_hash, table.name
        assert one.kept(table).rows == other.kept(table).rows > 0, table.name


@contextmanager
def partitions(spark: SparkSession, number: int) -> Iterator[None]:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", str(number))
    with pytest.MonkeyPatch.context() as patched:
        in_several_files(patched)
        yield
    spark.conf.set("spark.sql.shuffle.partitions", before)


# --- from end to end


@pytest.fixture(scope="module")
def releases(spark: SparkSession, make: Make, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """A release of two files; one that adds a third to it; and two of all three at once, before and after that one."""
    folder, out = make(late=0), tmp_path_factory.mktemp("releases") / "out"

    def run(name: str, **keys: Any) -> Run:
        return api.start(spark, asked(folder, out, run_id=name, **keys), Progress(quiet=True))

    first = run("first")
    api.resume(first)
    add(folder, 2, late=True)
    full = run("full")
    with pytest.raises(AuditFailed) as failure:
        api.resume(full)
    full.store.write("held.txt", str(failure.value))
    second = run("second", input__since=str(first.store.folder))
    with pytest.raises(AuditFailed) as failure:
        api.resume(second)
    second.store.write("held.txt", str(failure.value))
    accept(second, WARNINGS[1], "few cases, invented")
    api.resume(second)
    whole = run("whole")
    accept(whole, WARNINGS[1], "as the second one")
    api.resume(whole)
    return {"first": first, "full": full, "second": second, "whole": whole}


def test_an_incremental_release_is_the_release_of_everything(releases: dict[str, Run]) -> None:
    second, whole = releases["second"], releases["whole"]
    assert_same(second, whole, tables.SYNTHETIC_RECORDS, tables.EVALUATION, tables.FIDELITY, tables.PROOF)
    assert second.records == whole.records == 201
    assert second.kept(tables.NEW_RECORDS).rows == 61
    assert tables.NEW_RECORDS.name not in whole.store.manifest["tables"]


def test_the_example_holds_every_case_that_moves_codes(releases: dict[str, Run]) -> None:
    before, now = releases["first"].domain, releases["second"].domain
    assert before.columns[0].values[:2] == ("x", "y")
    assert now.columns[0].values[:2] == ("y", "x")
    assert set(now.columns[1].values) - set(before.columns[1].values) == {"new:1", "new;2"}
    signs = [[c.values[0] for c in d.columns if c.name == "signs"] for d in (before, now)]
    assert signs == [["a", "b", "c"], ["a", "b", "c", "r"]]
    assert before.rare == 1
    assert before.columns[-1].values == ()
    went = releases["second"].kept(tables.CHANGED_CODES).frame.where("multiplicity < 0").count()
    assert went > 0


def test_what_subtraction_tells_holds_the_release_until_someone_accepts_it(releases: dict[str, Run]) -> None:
    second = releases["second"]
    held = (second.store.folder / "held.txt").read_text()
    assert WARNINGS[1] in held
    assert WARNINGS[0] not in held  # 61 records are enough
    out = Path(second.plan.output.path)
    own = out / "quality_results" / "run_id=second"
    rows = {row["rule"]: row for file in own.glob("*.parquet") for row in _rows(file)}
    assert rows["no_small_group"]["severity"] == "warning"
    assert "few cases, invented" in rows["no_small_group"]["accepted"]
    assert "enough_added" not in rows, "whether as many as k came is not told, as it is no figure of published tables"
    audited = {row["rule"]: row["success"] for row in second.kept(tables.AUDIT_RESULTS).frame.collect()}
    assert audited["enough_added"]
    assert "differencing" in (second.store.folder / "contract.yml").read_text()


def test_a_full_run_is_held_by_what_readers_have_already(releases: dict[str, Run]) -> None:
    full, second, whole = (releases[name] for name in ("full", "second", "whole"))
    held = (full.store.folder / "held.txt").read_text()
    assert WARNINGS[1] in held
    assert WARNINGS[0] not in held  # how many were added is known of runs alone that say to which one they add
    known = [
        {(row["measure"], row["about"], row["length"]): row["value"] for row in rows}
        for rows in (run.kept(tables.DIFFERENCES).frame.collect() for run in (full, second))
    ]
    assert known[0] == known[1]
    told = {(row["about"], row["measure"]): 0.0 for row in whole.kept(tables.DIFFERENCES).frame.collect()}
    for row in whole.kept(tables.DIFFERENCES).frame.collect():
        told[row["about"], row["measure"]] += row["value"]
    assert told["second", "compared"] > 0
    assert not any(told["second", what] for what in (*DISCLOSURES, KNOWN)), "it is of the same records"
    before = [
        row["value"] for row in second.kept(tables.DIFFERENCES).frame.where("measure = 'told_of_added'").collect()
    ]
    assert told["first", "told_of_added"] == sum(before) > 0, "readers may hold the first one still"
    audited = {row["rule"]: row for row in whole.kept(tables.AUDIT_RESULTS).frame.collect()}
    assert audited["no_small_group"]["accepted"]
    assert audited["everyone_compared"]["success"]
    assert "enough_added" not in audited


def test_who_signs_is_shown_the_list_that_decided_and_nobody_else(releases: dict[str, Run]) -> None:
    """All of it in the run folder's table, those of the fewest records first in the report."""
    full, second = releases["full"], releases["second"]
    rows = [row.asDict() for row in full.kept(tables.DIFFERING).frame.collect()]
    figures = full.kept(tables.DIFFERENCES).frame.where("measure LIKE 'told_of%' OR measure = 'known_count'").collect()
    assert len(rows) == sum(row["value"] for row in figures) > 0
    assert all(1 <= row["least"] <= row["most"] < K for row in rows)
    counts = {row["selections"]: row["protected_count"] for row in full.kept(tables.AGGREGATES).frame.collect()}
    assert all(row["this"] == counts.get(row["selections"]) for row in rows)
    names = ("most", "least", "length", "selections")
    worst = sorted(rows, key=lambda row: tuple(row[name] for name in names))[:12]
    report = (full.store.folder / "report.md").read_text()
    lines = [line for line in report.splitlines() if "of the records added since" in line or "withheld" in line]
    listed = [line for line in lines if line.startswith("|") and "first" in line]
    assert len(listed) == len(worst)
    for line, row in zip(listed, worst, strict=True):
        assert f"{row['least']} to {row['most']}" in line or f"exactly {row['least']}" in line
    assert "Must not go out" in report
    shown = list((Path(second.plan.output.path) / "_documents" / "second").iterdir())
    assert shown
    for file in shown:
        text = file.read_text()
        assert "of the records added since" not in text
        assert not [row for row in rows if row["this"] is None and row["selections"] in text]


def test_the_report_compares_with_the_release_before_and_tells_drift(releases: dict[str, Run]) -> None:
    second = releases["second"]
    found = {(r["topic"], r["measure"], r["about"]) for r in second.kept(tables.DIFFERENCES).frame.collect()}
    assert {("difference", "told_of_added", "first"), ("drift", "tvd", "kind"), ("drift", "largest_tvd", None)} <= found
    for name in ("report.html", "report.md"):
        text = (second.store.folder / name).read_text()
        assert "Told by subtraction" in text
        assert "How far columns moved since first" in text
        assert "Compared with the earlier release first." in text
    assert not releases["first"].kept(tables.DIFFERENCES).rows


def test_counts_that_are_given_to_other_values_are_found(
    releases: dict[str, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if values had kept their places in the order of frequencies, which they have not."""
    second, sound = releases["second"], incremental.renumbering
    attributes = validate.common_attributes(second.kept(tables.RECORDS).frame, second.fields, K)

    def recounted(aggregates: DataFrame) -> dict[str, int]:
        records, length = second.kept(tables.RECORDS).frame, second.resolved.length
        found = validate.recount(records, aggregates, attributes, length, validate.Share(2)).iloc[0]
        return {str(rule): int(number) for rule, number in found.items()}

    def stale(old: Domain, new: Domain) -> Renumbering:
        own = np.concatenate([np.arange(1, card + 1) for card in old.cards])
        return replace(sound(old, new), codes=own)

    right = recounted(second.kept(tables.AGGREGATES).frame)
    assert right.pop("published") == second.kept(tables.AGGREGATES).rows
    assert set(right.values()) == {0}
    monkeypatch.setattr(incremental, "renumbering", stale)
    counts = incremental.summed_counts(second)
    assert counts is not None
    wrong = recounted(aggregate.aggregates(counts, second.domain, second.resolved))
    assert min(wrong[rule] for rule in ("above", "different", "missing")) > 0


def test_where_the_earlier_run_is_stays_in_the_run_folder(releases: dict[str, Run]) -> None:
    out = Path(releases["second"].plan.output.path)
    plan = next(row["plan"] for file in (out / "release" / "run_id=second").glob("*.parquet") for row in _rows(file))
    assert "since" not in plan
    assert str(releases["first"].store.folder) not in plan


def _rows(file: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return rows


@pytest.mark.parametrize("number", [1, 7])
def test_partitions_do_not_matter(releases: dict[str, Run], spark: SparkSession, tmp_path: Path, number: int) -> None:
    with partitions(spark, number):
        first, source = releases["first"], Path(releases["whole"].plan.input.path or "")
        assert_same(counted(spark, source, tmp_path / "out", input__since=str(first.store.folder)), releases["whole"])


def test_stages_can_be_run_anew_while_the_earlier_run_is_as_it_was(
    releases: dict[str, Run], spark: SparkSession, tmp_path: Path
) -> None:
    shutil.copytree(releases["first"].store.folder, tmp_path / "first")
    source = Path(releases["whole"].plan.input.path or "")
    run = counted(spark, source, tmp_path / "out", input__since=str(tmp_path / "first"))
    for stage in ("encode", "aggregate"):
        api.work(Run(spark, RunStore.open(run.store.folder), Progress(quiet=True)), stage)
    assert_same(Run(spark, RunStore.open(run.store.folder), Progress(quiet=True)), releases["whole"])
    manifest = json.loads((tmp_path / "first" / "manifest.json").read_text())
    manifest["tables"]["codes"]["content_hash"] = "another"
    (tmp_path / "first" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="run first: was made anew since this run was begun"):
        api.work(Run(spark, RunStore.open(run.store.folder), Progress(quiet=True)), "encode")


def test_a_chain_adds_up_and_compares_with_what_was_published_last(
    releases: dict[str, Run], spark: SparkSession, make: Make, tmp_path: Path
) -> None:
    from synth_spark.pipeline.incremental import published_before

    source = Path(shutil.copytree(str(releases["whole"].plan.input.path), tmp_path / "in"))
    first = releases["first"].store.folder
    middle = counted(spark, source, tmp_path / "out", input__since=str(first), run_id="middle")
    add(source, 3, late=True)
    last = counted(spark, source, tmp_path / "out", input__since=str(middle.store.folder), run_id="last")
    assert_same(last, counted(spark, source, tmp_path / "out", run_id="again"))
    before = published_before(last)
    assert before is not None
    assert before.store.run_id == "first"  # `middle` was not published
    names = last.store.manifest["tables"]["records"]["files"]
    assert all(name.startswith(f"{at:05d}-part-") for at, name in enumerate(names))  # names do not grow with the chain
    assert published_before(releases["whole"]) is None


# --- other inputs


def test_counts_that_cannot_be_added_are_counted_again(spark: SparkSession, make: Make, tmp_path: Path) -> None:
    source = make(late=0)
    keys = {"input__columns": ["place", "only"], "input__multi_values": {"only": "|", "place": "|"}, "privacy__k": 30}
    first = counted(spark, source, tmp_path / "out", **keys)
    add(source, 2, late=True)
    second = counted(spark, source, tmp_path / "out", **keys, input__since=str(first.store.folder))
    assert (first.resolved.length, second.resolved.length) == (2, 3)  # of the list in `only`, a column came
    assert_same(second, counted(spark, source, tmp_path / "out", **keys))


def test_partitions_and_sources_are_added_to(spark: SparkSession, tmp_path: Path) -> None:
    def write(place: str, year: str, *more: str) -> None:
        rows = spark.range(0, 60, 1, 1).selectExpr("concat('v', id % 3) AS a", f"concat('{place}', id % 2) AS b", *more)
        rows.write.parquet(str(tmp_path / place / f"year={year}"))

    sources = {place: {"path": str(tmp_path / place), "format": "parquet"} for place in ("north", "south")}
    keys = {"input__path": None, "input__format": None, "input__sources": sources, "input__multi_values": {}}
    keys["input__source_column"] = "by"
    write("north", "01")
    write("south", "01")
    since = {"input__since": str(counted(spark, tmp_path, tmp_path / "out", **keys).store.folder)}
    write("south", "02")
    second = counted(spark, tmp_path, tmp_path / "out", **keys, **since)
    assert second.kept(tables.NEW_RECORDS).rows == 60
    assert set(second.domain.columns[2].values) == {"01", "02"}
    assert_same(second, counted(spark, tmp_path, tmp_path / "out", **keys))
    write("south", "unknown", "id AS more")
    with pytest.raises(InputError, match="has other columns than run"):
        counted(spark, tmp_path, tmp_path / "out", **keys, **since)


@pytest.mark.takes("four runs over versions of a Delta table")
def test_appended_versions_of_a_delta_table_are_added(spark: SparkSession, tmp_path: Path) -> None:
    def rows(start: int, end: int) -> Any:
        return spark.range(start, end, 1, 2).selectExpr("concat('v', id % 3) AS a", "concat('w', id % 11) AS b")

    table, keys = tmp_path / "cases", {"input__format": "delta", "input__multi_values": {}}
    rows(0, 70).write.format("delta").save(str(table))
    first = counted(spark, table, tmp_path / "out", **keys)
    assert first.store.facts["inventory"]["items"][0]["version"] == 0
    since = {"input__since": str(first.store.folder)}
    for start in (70, 100):
        rows(start, start + 30).write.format("delta").mode("append").save(str(table))
    second = counted(spark, table, tmp_path / "out", **keys, **since)
    assert second.kept(tables.NEW_RECORDS).rows == 60
    assert_same(second, counted(spark, table, tmp_path / "out", **keys))
    pinned = counted(spark, table, tmp_path / "out", **keys, input__version=1, **since)
    assert pinned.records == 100
    rows(0, 10).write.format("delta").mode("overwrite").save(str(table))
    with pytest.raises(RunError, match="was changed in version 3 by more than appending"):
        counted(spark, table, tmp_path / "out", **keys, **since)


# --- what is refused


@pytest.fixture
def again(releases: dict[str, Run], spark: SparkSession, tmp_path: Path) -> Callable[..., Run]:
    """Begins a run that adds to a copy of the first one; the copy may have been damaged."""
    shutil.copytree(releases["first"].store.folder, tmp_path / "first")
    source = Path(shutil.copytree(str(releases["whole"].plan.input.path), tmp_path / "in"))

    def begin(damage: Callable[[dict[str, Any]], object] | None = None, **keys: Any) -> Run:
        if damage is not None:
            manifest = json.loads((tmp_path / "first" / "manifest.json").read_text())
            damage(manifest)
            (tmp_path / "first" / "manifest.json").write_text(json.dumps(manifest))
        run = api.start(
            spark,
            asked(source, tmp_path / "out", **{"input__since": str(tmp_path / "first"), **keys}),
            Progress(quiet=True),
        )
        api.work(run, "read")
        return run

    return begin


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"privacy__k": 9}, r"privacy\.k"),
        ({"reporting_length": 2}, "reporting_length"),
        ({"input__null_markers": ["NA"]}, r"input\.null_markers"),
        ({"input__columns": ["kind", "signs"]}, r"input\.columns"),
        ({"input__sensitive_zeros": ["kind"]}, r"input\.sensitive_zeros"),
        ({"input__delimiter": ","}, r"input\.delimiter"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_another_plan_is_refused_by_the_key(again: Callable[..., Run], keys: dict[str, Any], key: str) -> None:
    with pytest.raises(RunError, match=f"^{key}: is not as in run first, to whose counts is added; set it as there"):
        again(**keys)


def test_an_earlier_run_that_is_not_whole_is_refused(again: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no readable manifest"):
        again(input__since=str(tmp_path / "none"))
    for damage, message in (
        (lambda m: m["stages"].pop("aggregate"), "has not completed its stage 'aggregate'; resume it first"),
        (lambda m: m["stages"].update(aggregate={}) or m["versions"].update(synth_spark="0.0.1"), "by another version"),
    ):
        with pytest.raises(RunError, match=message):
            again(damage)


def test_a_run_that_does_not_tell_its_files_is_refused(again: Callable[..., Run]) -> None:
    with pytest.raises(RunError, match="does not tell which files it has read"):
        again(lambda m: m["facts"].update(inventory=None))


def test_tables_that_were_purged_are_refused(again: Callable[..., Run]) -> None:
    with pytest.raises(RunError, match="does not hold its table codes any more"):
        again(lambda m: m["tables"].pop("codes"))


@pytest.mark.parametrize("table", ["records", "domain", "codes", "counts"])
def test_tables_that_were_changed_are_refused(again: Callable[..., Run], tmp_path: Path, table: str) -> None:
    file = next((tmp_path / "first" / "tables" / table).glob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(RunError, match=f"table {table}:? .*is not what was written"):
        again()


def test_new_files_with_other_columns_or_no_records_are_refused(again: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "in" / "2.csv").write_text("kind,place,signs\nx,p,a\n")
    with pytest.raises(InputError, match=r"'2\.csv': has a header of 3 columns, and '0\.csv' one of 4"):
        again()
    (tmp_path / "in" / "2.csv").write_text("kind,place,signs,only\n")
    with pytest.raises(InputError, match="holds no records"):
        again()


def test_nothing_new_is_said(again: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "in" / "2.csv").unlink()
    with pytest.raises(RunError, match="holds nothing that run first has not counted"):
        again()
