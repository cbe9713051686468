"""The line under differential privacy, step by step: what noise does, what it must not, and that it is drawn once."""

import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from accounting import epsilon_of_all, lines_of
from installing import installed
from noises import Counting, NoNoise, SameNoise, Watching
from packing import contents, table
from pyspark.sql import SparkSession
from releasing import another, in_several_files, kept, published, work_until

from synth_spark import aggregate, demo
from synth_spark import plan as plans
from synth_spark.errors import AuditFailed, BudgetError, PlanError, RunError
from synth_spark.exports.data_package import package
from synth_spark.kernels.marginals.consistency import estimate
from synth_spark.kernels.marginals.targets import targets
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.accounts import draws
from synth_spark.pipeline.policy import ledger_of
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.stages import STAGES
from synth_spark.plan.counted import GIVEN
from synth_spark.privacy import Delta, Epsilon
from synth_spark.privacy.ledger import Ledger
from synth_spark.privacy.mechanisms import VettedNoise
from synth_spark.publish.published_release import open_release
from synth_spark.schema import tables
from synth_spark.schema.published_columns import COUNT_COLUMNS
from synth_spark.storage.append_log import LineFile
from synth_spark.storage.run_store import RunStore

COLUMNS = ["gender", "ageBroad", "citizenship", "isForcedLabour"]
METHODS = ["marginal_matching", "aggregate_seeded"]
#: At the small ε of these tests triples of columns are measured where that is asked for.
TRIPLES = {"privacy__triple_share": 0.12}


@pytest.fixture(scope="module")
def cases(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.csv"
    demo.write_csv(spark, path, 3_000, seed=4)
    return path


def _started(spark: SparkSession, source: Path, out: Path, noise=None, **settings) -> Run:
    keys = {key.replace("__", "."): value for key, value in settings.items()}
    own = {"ledger": str(out.with_name(f"{out.name}.work") / "ledger.jsonl")}
    keys = {"input.columns": COLUMNS, "privacy.epsilon": 2.0, "seed": 5, **own, **keys}
    plan = plans.load(None, {"input.path": str(source), "output.path": str(out), **keys})
    return replace(api.start(spark, plan, Progress(quiet=True)), noise=noise or SameNoise())


def _combinations(path: Path, longest: int) -> Counter:
    """Counts of all combinations of a file, by brute force: frozen sets of (column, value)."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)[COLUMNS]
    tally: Counter = Counter()
    for row in frame.itertuples(index=False):
        held = [(name, value) for name, value in zip(COLUMNS, row, strict=True) if value not in ("", "0")]
        for length in range(1, longest + 1):
            tally.update(frozenset(part) for part in combinations(held, length))
    return tally


def _told(frame: pd.DataFrame) -> dict[frozenset, int]:
    told = {}
    for row in frame.to_dict("records"):
        key = frozenset((name, row[name]) for name in COLUMNS if isinstance(row[name], str))
        told[key] = row["protected_count"]
    return told


@pytest.mark.parametrize(("method", "longest"), [("marginal_matching", 2), ("aggregate_seeded", 3)])
def test_an_infinite_budget_gives_the_exact_counts(
    spark: SparkSession, cases: Path, tmp_path: Path, method: str, longest: int
) -> None:
    run = _started(
        spark, cases, tmp_path / "out", NoNoise(), privacy__public_domain=True, privacy__percentile=100,
        privacy__fabrication="uncontrolled", synthesis__kind=method, reporting_length=3,
    )  # fmt: skip
    work_until(run, "synthesize")
    told = _told(kept(run, tables.NOISY_AGGREGATES))
    assert told == dict(_combinations(cases, longest))
    made = kept(run, tables.SYNTHETIC_RECORDS)
    exact = _combinations(cases, 1)
    for ((name, value),), count in ((tuple(key), count) for key, count in exact.items()):
        assert int((made[name] == value).sum()) == count
    if method == "marginal_matching":
        wanted, plain = _squares(run, made)
        assert wanted < 0.6 * plain


def _squares(run: Run, made: pd.DataFrame) -> list[float]:
    """Squared differences of records from tables of pairs: without what noise has added, and the published ones."""
    noisy = run.kept(tables.NOISY_PAIRS).arrow()
    measured = aggregate.measured(run.values, noisy, run.domain, run.never_null)
    agreed = estimate(measured, {})
    codes = []
    for column, never in zip(run.domain.columns, run.never_null, strict=True):
        places = {value: place for place, value in enumerate(column.values, 1 - int(never))}
        codes.append(made[column.name].map(lambda value, places=places: places.get(value, 0)).to_numpy())
    squares = [0.0, 0.0]
    for place, estimates in enumerate((targets(measured, agreed, {}).estimates, agreed)):
        for (i, j), wanted in estimates.pairs.items():
            counts = np.zeros(wanted.shape)
            np.add.at(counts, (codes[i], codes[j]), 1)
            squares[place] += float(np.square(counts - wanted).sum())
    return squares


@pytest.mark.takes("a whole release, records of which are made twice")
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("public", [True, False])
def test_a_release_says_what_it_costs_and_its_intervals_hold_the_exact_counts(
    spark: SparkSession, cases: Path, tmp_path: Path, method: str, public: bool
) -> None:
    out = tmp_path / "out"
    run = _started(spark, cases, out, VettedNoise(), privacy__public_domain=public, synthesis__kind=method, **TRIPLES)
    api.resume(run)
    aggregates, exact = published(out, "aggregates"), _combinations(cases, 3)
    told = [
        (frozenset((name, row[name]) for name in COLUMNS if isinstance(row[name], str)), row)
        for row in aggregates.to_dict("records")
    ]
    certain = [(key, row) for key, row in told if row["protected_count"] > 4 * row["standard_error"]]
    held = [row["low"] <= exact[key] <= row["high"] for key, row in certain]
    assert len(held) > 10
    assert np.mean(held) > 0.85
    row = published(out, "release").iloc[0]
    assert (row["epsilon"], row["delta"]) == (2.0, 1e-6)
    spent = json.loads(row["spent"])
    assert sum(rho for rho, _ in spent.values()) == pytest.approx(row["rho"])
    lines, drawn = lines_of(run), run.store.facts["drawn"]
    assert ("size" in drawn) == ("size" in draws(run.store)) == (method == "marginal_matching" and not public)
    if "size" in drawn:  # it carries noise, and the shares follow it alone
        assert 0 < abs(drawn["size"] - run.records) < 8 * float(run.spending.on("records").sigma())
        assert run.spending.on("values").value == pytest.approx(drawn["domain_share"] * run.spending.rho.value)
    costs = {purpose: sum(1 / (2 * multiplier**2) for multiplier in own) for purpose, own in lines.items()}
    assert costs == pytest.approx({purpose: rho for purpose, (rho, _) in spent.items()})
    assert aggregates["length"].max() == (2 if method == "marginal_matching" else 3)  # triples are for records alone
    assert ({"noisy_scores", "noisy_triples"} <= draws(run.store).keys()) == ("triples" in spent)
    assert ("triples" in spent) == (method == "marginal_matching")
    left = 1e-6 - sum(delta for _, delta in spent.values())
    assert 1.7 < epsilon_of_all(lines, left) < 2.002  # its Gaussian noise is not of whole numbers
    text = (out / "RELEASE.md").read_text()
    assert "ε = 2" in text
    assert ("2.0% on triple scores, 10.0% on triples" in text) == (method == "marginal_matching")
    assert "That is promised for each record: " in text
    assert (GIVEN in text) == (GIVEN in row["guarantee"]) == public
    assert "No budget was granted for its data set: nothing limits what further releases" in text
    one, made = aggregates[aggregates["length"] == 1], published(out, "synthetic_records")
    pairs = [(row[name], name, row["protected_count"]) for row in one.to_dict("records") for name in COLUMNS]
    off = [(int((made[name] == value).sum()), count) for value, name, count in pairs if isinstance(value, str)]
    assert f"the largest difference is {max(abs(has - count) for has, count in off):,}; " in text
    assert f"have {100 * np.mean([has / count for has, count in off]):.1f} % of a published single count" in text
    assert max(abs(has - count) for has, count in off) <= (method == "marginal_matching")
    assert text.index("\n13. ") > 0
    (entry,) = ledger_of(run.plan).entries()
    assert (entry.run_id, entry.epsilon, entry.delta) == (run.store.run_id, 2.0, 1e-6)
    packed = contents(package(open_release(out), tmp_path))
    single = aggregates[(aggregates["length"] == 1) & (aggregates["gender"] == "Woman")].iloc[0]
    values = table(packed, "codebook_values.csv").set_index(["column", "value"]).loc["gender", "Woman"]
    assert [float(values[name]) for name in COUNT_COLUMNS] == pytest.approx([single[name] for name in COUNT_COLUMNS])
    assert "differential privacy" in packed["README.md"].decode()


@pytest.fixture(scope="module")
def straight(spark: SparkSession, cases: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter]:
    """Method → the sizes of all that a run draws which does not fall, from its start to its publication."""
    folder, drawn = tmp_path_factory.mktemp("straight"), {}
    for method in METHODS:
        noise = Counting(folder / f"{method}.draws")
        api.resume(_started(spark, cases, folder / method, noise, synthesis__kind=method, **TRIPLES))
        drawn[method] = Counter(noise.file.read_text().split())
    return drawn


@pytest.mark.parametrize(
    ("where", "method"),
    [("domain", method) for method in METHODS]
    + [(name, "marginal_matching") for name in ("noisy_triples", "from_estimates")]
    + [("counts_frame", method) for method in METHODS],
)
def test_a_run_that_fell_draws_and_debits_once(
    spark: SparkSession,
    cases: Path,
    straight: dict[str, Counter],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    where: str,
) -> None:
    """It falls right after noise was written; taken up again, every table of noise is the one that was.

    All that is drawn by then is all that a whole run draws.
    """
    from synth_spark import aggregate
    from synth_spark.encode import codes

    run = _started(spark, cases, tmp_path / "out", Counting(tmp_path / "draws"), synthesis__kind=method, **TRIPLES)
    broken = (codes, "codes") if where == "domain" else (aggregate, where)

    def fall(*_args, **_keys):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*broken, fall)
        with pytest.raises(KeyboardInterrupt):
            api.resume(run)
    noisy = {name: entry for name, entry in run.store.manifest["tables"].items() if "nois" in entry["grain"]}
    assert noisy
    facts = json.loads(json.dumps(run.store.facts["drawn"]))
    again = Run(spark, type(run.store).open(run.store.folder), Progress(quiet=True), run.noise)
    work_until(again, "synthesize")
    for name, entry in noisy.items():
        assert again.store.manifest["tables"][name]["files"] == entry["files"]
    assert {key: again.store.facts["drawn"][key] for key in facts} == facts
    assert len(ledger_of(run.plan).entries()) == 1
    draws = Counter((tmp_path / "draws").read_text().split())
    assert (
        sum(draws.values()) == sum(straight[method].values()) or method == "aggregate_seeded"
    )  # whose candidates vary


def test_noise_is_not_drawn_again_on_request(spark: SparkSession, cases: Path, tmp_path: Path) -> None:
    watching = Watching(1, tmp_path / "out.work" / "ledger.jsonl", tmp_path / "begun")
    run = work_until(_started(spark, cases, tmp_path / "out", watching), "synthesize")
    assert set((tmp_path / "begun").read_text().split()) == {"1", "2"}  # each stage says that it begins to, and draws
    for stage in ("read", "encode", "aggregate"):
        with pytest.raises(RunError, match="draw noise again"):
            api.work(run, stage)
    before = run.store.manifest["tables"]["noisy_pairs"]
    api.work(run, "synthesize")
    assert run.store.manifest["tables"]["noisy_pairs"] == before
    for stage in ("encode", "aggregate"):  # its folder, as a copy or a backup from before that stage has it
        folder = tmp_path / stage / run.store.run_id
        shutil.copytree(run.store.folder, folder)
        rolled_back = Run(spark, RunStore.open(folder), Progress(quiet=True), Counting(tmp_path / "draws"))
        stages = list(STAGES["differential_privacy"])
        later = stages[stages.index(stage) :]
        keeps = [table for name in later for table in STAGES["differential_privacy"][name].keeps]
        rolled_back.store.forget(later, keeps)
        for doing in (lambda run: api.work(run, stage), api.resume):  # noqa: B023  # asked at once
            with pytest.raises(BudgetError, match="its folder does not hold what was drawn"):
                doing(rolled_back)
        rolled_back.store.facts["begun"].pop(stage)  # as it was before the stage began to draw
        rolled_back.store.save()
        for command in (["resume", folder], ["stage", stage, folder]):
            done = installed(command)
            assert (done.returncode, "its folder does not hold what was" in done.stderr) == (9, True), done.stderr
    assert not (tmp_path / "draws").exists()


def test_a_release_over_budget_is_refused_before_the_first_draw(
    spark: SparkSession, cases: Path, tmp_path: Path
) -> None:
    file = tmp_path / "ledger.jsonl"
    Ledger(LineFile(file)).grant("victims", Epsilon(1.0), Delta(1e-5))
    asked = {"ledger": str(file), "data_set": "victims"}
    with pytest.raises(BudgetError):  # before the input is read
        _started(spark, cases, tmp_path / "out", Counting(tmp_path / "draws"), **asked)
    assert not (tmp_path / "out.work").exists()
    Ledger(LineFile(file)).grant("victims", Epsilon(99.0), Delta(1e-3))
    run = _started(spark, cases, tmp_path / "out", Counting(tmp_path / "draws"), **asked)
    Ledger(LineFile(file)).grant("victims", Epsilon(1.0), Delta(1e-5))  # or another release has been debited meanwhile
    with pytest.raises(BudgetError):
        api.resume(run)
    assert not (tmp_path / "draws").exists()
    assert [entry.kind for entry in Ledger(LineFile(file)).entries()] == ["grant"] * 3
    assert not (tmp_path / "out" / "LATEST.json").exists()


def test_a_release_that_the_ledger_does_not_hold_is_stopped(spark: SparkSession, cases: Path, tmp_path: Path) -> None:
    run = work_until(_started(spark, cases, tmp_path / "out"), "assess")
    file = Path(run.plan.ledger_address)
    whole = file.read_text().splitlines()
    debit = json.loads(whole[0])
    faults = {
        "debited": [],
        "terms": [json.dumps({**debit, "data_set": "another"}), *whole[1:]],
        "drawn": [whole[0]],
    }
    for rule, lines in faults.items():
        file.write_text("".join(f"{line}\n" for line in lines))
        with pytest.raises(AuditFailed, match=rf"privacy\.{rule}"):
            api.work(run, "validate")


@pytest.mark.parametrize("method", METHODS)
def test_nothing_exact_is_published(spark: SparkSession, tmp_path: Path, method: str) -> None:
    """Planted markers: values that single records have, the exact number of records, exact counts."""
    rng = np.random.default_rng(8)
    n = 4_321
    frame = pd.DataFrame({"a": rng.choice(list("xyz"), n), "b": rng.choice(list("pqrst"), n), "c": "common"})
    for place in range(12):
        frame.loc[place, "ab"[place % 2]] = f"MARKER{place}"
    frame.to_csv(tmp_path / "cases.csv", index=False)
    out = tmp_path / "out"
    run = _started(
        spark, tmp_path / "cases.csv", out, SameNoise(3), synthesis__kind=method, input__columns=["a", "b", "c"]
    )
    api.resume(run)
    numbers: set[float] = set()
    times: set[bytes] = set()
    for file in out.rglob("*"):
        if not file.is_file():
            continue
        assert b"MARKER" not in file.read_bytes()
        times |= set(re.findall(rb"\d{4}-\d\d-\d\d[T ](\d\d:\d\d:\d\d[^ ,<\"\n]*)", file.read_bytes()))
        if file.suffix == ".parquet":
            content = pd.read_parquet(file)
            assert not content.astype(str).map(lambda text: "MARKER" in text).any().any()
            if file.parent.parent.name != "synthetic_records":
                for column in content.select_dtypes("number"):
                    numbers |= set(content[column].dropna().tolist())
    assert times == {b"00:00:00+00:00"}  # the day it was published; hours would tell how long the run took
    assert len(numbers) > 20
    assert n not in numbers
    singles = published(out, "aggregates").query("length == 1")
    for column in "ab":
        exact = frame[column].value_counts()
        told = singles.dropna(subset=[column]).set_index(column)["protected_count"]
        assert set(told.index) == set(exact.index[exact > 300])
        assert (told == exact[told.index]).sum() < len(told)  # some may be, by chance
    assert str(n) not in (out / "RELEASE.md").read_text().replace(",", "")


def test_neighbours_differ_only_where_they_may(spark: SparkSession, cases: Path, tmp_path: Path) -> None:
    """The same noise on two data sets, one with one record more: every measured count differs by at most that "
    "record."""
    lines = cases.read_text().splitlines()
    more = tmp_path / "more.csv"
    more.write_text("\n".join([*lines, lines[1]]) + "\n")
    runs = []
    for name, source in (("one", cases), ("other", more)):
        run = _started(spark, source, tmp_path / name, SameNoise(), privacy__public_domain=True)
        runs.append(work_until(run, "aggregate"))
    one, other = (run.values.sort_by([("column", "ascending"), ("value", "ascending")]).to_pydict() for run in runs)
    assert one["value"] == other["value"]
    assert one["sigma"] == other["sigma"]
    change = np.array(other["count"]) - np.array(one["count"])
    assert set(change.tolist()) == {0, 1}
    assert change.sum() == len(COLUMNS)  # one cell of every column, absent being one
    tabled = [run.kept(tables.NOISY_PAIRS).frame.toPandas().sort_values(["first", "second"]) for run in runs]
    assert tabled[0]["sigma"].tolist() == tabled[1]["sigma"].tolist()
    for counts_one, counts_other in zip(tabled[0]["counts"], tabled[1]["counts"], strict=True):
        differences = np.frombuffer(counts_other, "<i8") - np.frombuffer(counts_one, "<i8")
        assert sorted(differences.tolist())[-1] == 1
        assert np.abs(differences).sum() == 1
    assert runs[0].spending == runs[1].spending


def test_neighbours_differ_within_the_cap_length_by_length(spark: SparkSession, cases: Path, tmp_path: Path) -> None:
    lines = cases.read_text().splitlines()
    more = tmp_path / "more.csv"
    more.write_text("\n".join([*lines, lines[1]]) + "\n")
    found = []
    for name, source in (("one", cases), ("other", more)):
        run = _started(
            spark, source, tmp_path / name, NoNoise(), privacy__public_domain=True, synthesis__kind="aggregate_seeded",
            privacy__percentile=30,
        )  # fmt: skip
        work_until(run, "aggregate")
        own = run.kept(tables.NOISY_LENGTHS[0]).frame.orderBy("bucket").toPandas()["counts"]
        found.append((run.store.facts["drawn"]["cap 2"], np.concatenate([np.frombuffer(row, "<i8") for row in own])))
    assert found[0][0] == found[1][0]
    change = found[1][1] - found[0][1]
    assert set(change.tolist()) <= {0, 1}
    assert 0 < change.sum() <= found[0][0]


def test_private_values_are_told_of_only_above_the_threshold(spark: SparkSession, tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["x"] * 900 + ["y"] * 100 + [f"rare{i}" for i in range(50)], "b": ["u"] * 1050})
    frame.to_csv(tmp_path / "cases.csv", index=False)
    run = _started(spark, tmp_path / "cases.csv", tmp_path / "out", NoNoise(), input__columns=["a", "b"])
    work_until(run, "synthesize")
    assert set(kept(run, tables.NOISY_AGGREGATES)["a"].dropna()) == {"x", "y"}
    assert set(kept(run, tables.SYNTHETIC_RECORDS)["a"].dropna()) == {"x", "y"}


def test_declared_values_are_told_of_whether_they_occur_or_not(
    spark: SparkSession, cases: Path, tmp_path: Path
) -> None:
    declared = {"gender": ["Male", "Female", "Unheard of"]}
    run = _started(spark, cases, tmp_path / "out", NoNoise(), privacy__public_domain=declared)
    work_until(run, "encode")
    gender = run.domain.columns[0]
    assert set(gender.values) == {"Male", "Female", "Unheard of"}
    assert run.never_null == [False] * len(COLUMNS)
    named = another(run, tmp_path / "c", "named", "encode", privacy__never_absent=["gender"])
    work_until(named, "aggregate")  # whoever has none of its values is in none of its cells
    assert named.never_null == [True, False, False, False]
    assert None not in [row["value"] for row in named.values.to_pylist() if row["column"] == 0]
    pair = named.kept(tables.NOISY_PAIRS).frame.where("first = 0 and second = 1").toPandas().iloc[0]
    exact = pd.read_csv(cases, dtype=str)["gender"].isin(["Male", "Female"])
    assert np.frombuffer(pair["counts"], "<i8").sum() == exact.sum()
    run = _started(spark, cases, tmp_path / "b", privacy__public_domain={"gendr": ["Male"]})
    with pytest.raises(PlanError, match="names no column"):
        api.resume(run)


@pytest.mark.takes("two runs, records of one of which are made twice")
def test_rules_and_several_values_hold_under_noise(spark: SparkSession, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    n = 3_000
    several = [";".join(rng.choice(list("efgh"), rng.integers(1, 4), replace=False)) for _ in range(n)]
    frame = pd.DataFrame({"a": rng.choice(list("xy"), n), "b": rng.choice(list("pq"), n), "m": several})
    frame.loc[frame["a"] == "x", "b"] = "p"
    frame.to_csv(tmp_path / "cases.csv", index=False)
    for method in METHODS:
        run = _started(
            spark, tmp_path / "cases.csv", tmp_path / method, VettedNoise(), synthesis__kind=method,
            input__columns=["a", "b", "m"], input__multi_values={"m": ";"},
            input__constraints=[{"forbid": {"a": "x", "b": "q"}}], privacy__values_a_record=3, **TRIPLES,
        )  # fmt: skip
        made = kept(work_until(run, "synthesize"), tables.SYNTHETIC_RECORDS)
        assert not ((made["a"] == "x") & (made["b"] == "q")).any()
        counted = made["m"].dropna().str.split(";").explode().value_counts()
        exact = frame["m"].str.split(";").explode().value_counts()
        assert set(counted.index) == set("efgh")
        assert counted[list("efgh")].tolist() == pytest.approx(exact[list("efgh")].tolist(), rel=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_records_do_not_depend_on_how_tasks_are_cut(
    spark: SparkSession, cases: Path, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, before = [], spark.conf.get("spark.sql.shuffle.partitions")
    in_several_files(monkeypatch)
    for partitions in ("1", "5"):
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
        try:
            run = _started(spark, cases, tmp_path / partitions, SameNoise(), synthesis__kind=method)
            work_until(run, "synthesize")
        finally:
            spark.conf.set("spark.sql.shuffle.partitions", before)
        entries = run.store.manifest["tables"]
        found.append({name: entries[name]["content_hash"] for name in ("aggregates", "synthetic_records")})
    assert found[0] == found[1]


@pytest.mark.takes("a whole release")
def test_the_plan_that_is_shown_makes_a_release(spark: SparkSession, cases: Path, tmp_path: Path) -> None:
    shown = Path(__file__).parents[2] / "conf" / "any_table" / "private.yml"
    plan = plans.load(str(shown), {"input.path": str(cases), "output.path": str(tmp_path / "out")})
    run = api.start(spark, plan, Progress(quiet=True))
    api.resume(run)
    assert "differential privacy" in (tmp_path / "out" / "RELEASE.md").read_text()
    assert len(published(tmp_path / "out", "synthetic_records")) > 1_000


def test_wide_tables_measure_the_pairs_that_are_worth_it(spark: SparkSession, tmp_path: Path) -> None:
    """Two columns of twelve say the same; of 66 pairs that one must be measured, and most need not be."""
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({f"c{c}": rng.choice(list("pqrs"), 4_000) for c in range(12)})
    frame["c7"] = frame["c2"]
    frame.to_csv(tmp_path / "cases.csv", index=False)
    run = _started(
        spark, tmp_path / "cases.csv", tmp_path / "out", VettedNoise(), privacy__most_pairs=40,
        privacy__public_domain=True, input__columns=list(frame.columns),
    )  # fmt: skip
    work_until(run, "aggregate")
    measured = run.kept(tables.NOISY_PAIRS).frame.toPandas()
    assert (2, 7) in set(zip(measured["first"], measured["second"], strict=True))
    assert len(measured) < 40  # of 66; in 300 draws 16 to 31
    assert run.spending.on("selection").value > 0
    assert not run.spending.composed


def test_no_rule_about_exact_figures_decides_about_a_release(spark: SparkSession, cases: Path, tmp_path: Path) -> None:
    """Whether it held would tell of the records, and noise that is published only where it is small is none."""
    told = {"rule": "use.told", "measure": "mean_tvd", "at_most": 9, "meaning": "Openly near."}
    out = tmp_path / "out"
    for severity in ("critical", "warning"):
        with pytest.raises(PlanError, match=r"rules use\.told: is about exact figures"):
            _started(spark, cases, out, rules=[{**told, "severity": severity}])
    assert not (tmp_path / "out.work").exists()
    told |= {"comparison": "reportable_to_synthetic"}
    run = _started(spark, cases, out, rules=[told], privacy__public_domain=True, assessment__rare_below=6)
    api.resume(run)
    assert "told" in set(published(out, "quality_results")["rule"])
    assert "Openly near" in (out / "report.html").read_text()
    # sensitive records are compared with the k that the plan gives for that
    exact, made = _combinations(cases, 3), Counter()
    for row in published(out, "synthetic_records")[COLUMNS].itertuples(index=False):
        held = [(name, value) for name, value in zip(COLUMNS, row, strict=True) if isinstance(value, str)]
        made.update(frozenset(part) for length in (1, 2, 3) for part in combinations(held, length))
    found = {
        (row["comparison"], row["measure"]): row["value"]
        for row in run.kept(tables.MEASURES).frame.where("length is null and count_bin is null").collect()
    }
    rare = [c for c, count in exact.items() if count < 6]
    assert found["sensitive_to_synthetic", "source_rare"] == len(rare)
    assert found["sensitive_to_synthetic", "leaked"] == sum(0 < made[c] < 6 for c in rare) > 0
    assert found["sensitive_to_synthetic", "emerged"] == sum(made[c] >= 6 for c in rare)
    assert found["reportable_to_synthetic", "source_rare"] == 0
