"""What is found out about a release, on whole runs: against counting by hand, in any number of partitions."""

import itertools
import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from brute_force import cramers_v, subgroup_gap
from pyspark.sql import SparkSession
from releasing import another, in_several_files, published, release, started, work_until

from synth_spark import demo
from synth_spark.errors import AuditFailed, InputError, PlanError, PublishError, RunError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.audit import accept
from synth_spark.pipeline.policy import ledger_of
from synth_spark.pipeline.run import Run
from synth_spark.schema import tables
from synth_spark.storage.run_store import RunStore

K = 4
COLUMNS = ["yearOfRegistration", "gender", "ageBroad", "citizenship", "meansThreats", "isForcedLabour"]
ASSESSED = {
    "privacy__k": K,
    "input__columns": COLUMNS,
    "assessment__secrets": ["gender", "isForcedLabour"],
    "assessment__redaction": True,
    "assessment__rehearsal": True,
    "assessment__attacks": 60,
    "assessment__rare": True,
}


@pytest.fixture(scope="module")
def cases(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.csv"
    demo.write_csv(spark, path, 600, seed=5)
    return path


@pytest.fixture(scope="module")
def run(spark: SparkSession, cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    out = tmp_path_factory.mktemp("assessed") / "out"
    return release(spark, cases, out, **ASSESSED)


@pytest.fixture(scope="module")
def plain(spark: SparkSession, cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the same records that is about to be audited; who goes on with it takes `another`."""
    out = tmp_path_factory.mktemp("plain") / "out"
    return work_until(started(spark, cases, out, privacy__k=K, input__columns=COLUMNS), "assess")


@pytest.fixture(scope="module")
def records(cases: Path) -> list[dict[str, str]]:
    rows = pd.read_csv(cases, dtype=str, keep_default_na=False)[COLUMNS].to_dict("records")
    return [{name: value for name, value in row.items() if value not in ("", "0")} for row in rows]


def counted(rows: list[dict[str, str]]) -> Counter[tuple[tuple[str, str], ...]]:
    counts: Counter[tuple[tuple[str, str], ...]] = Counter()
    for row in rows:
        for length in (1, 2, 3):
            counts.update(itertools.combinations(row.items(), length))
    return counts


def published_counts(out: Path) -> dict[str, int]:
    """Text → count."""
    return published(out, "aggregates").set_index("selections")["protected_count"].to_dict()


def made_by(run: Run) -> list[dict[str, str]]:
    frame = published(Path(run.plan.output.path), "synthetic_records")[COLUMNS]
    return [{n: v for n, v in row.items() if isinstance(v, str)} for row in frame.to_dict("records")]


def figures(run: Run, table: tables.Table) -> dict[tuple[str, str, str, str | None, int | None], float]:
    rows = run.kept(table).frame.collect()
    return {(r["topic"], r["comparison"], r["measure"], r["about"], r["length"]): r["value"] for r in rows}


@pytest.mark.parametrize("side", ["sensitive", "synthetic"])
def test_linkable_records_are_counted_on_all_records(run: Run, records, side: str) -> None:
    rows = records if side == "sensitive" else made_by(run)
    counts, found = counted(rows), figures(run, tables.ASSESSMENT)
    rare = unique = 0
    for row in rows:
        held = [counts[c] for length in (1, 2, 3) for c in itertools.combinations(row.items(), length)]
        rare += min(held, default=K) < K
        unique += min(held, default=K) == 1
    assert found["risk", side, "records_with_rare", None, None] == rare > 0
    assert found["risk", side, "records_with_rare_percent", None, None] == pytest.approx(100 * rare / len(rows))
    assert found["risk", side, "records_with_unique", None, None] == unique > 0
    assert found["risk", side, "risky_records", None, None] == rare
    if side == "sensitive":
        assert found["risk", "protected", "risky_records", None, None] <= rare


@pytest.mark.parametrize("side", ["sensitive", "synthetic"])
def test_groups_are_what_grouping_finds(run: Run, records, side: str) -> None:
    rows = records if side == "sensitive" else made_by(run)
    counts, found = counted(rows), figures(run, tables.ASSESSMENT)
    for secret, length in itertools.product(("gender", "isForcedLabour"), (1, 2)):
        groups = revealed = 0
        least, distances = 99, []
        overall = Counter(row.get(secret) for row in rows)
        for combination, size in counts.items():
            if len(combination) == length and size >= K and secret not in dict(combination):
                held = Counter(row.get(secret) for row in rows if set(combination) <= set(row.items()))
                groups += 1
                revealed += len(held) == 1 and None not in held
                least = min(least, len(held))
                distances.append(sum(abs(held[v] / size - overall[v] / len(rows)) for v in overall) / 2)
        assert found["homogeneity", side, "groups", secret, length] == groups
        assert found["homogeneity", side, "revealed_groups", secret, length] == revealed
        assert found["homogeneity", side, "revealed_groups_percent", secret, length] == 100 * revealed / groups
        assert found["homogeneity", side, "least_diversity", secret, length] == least
        mean = sum(distances) / groups
        assert found["homogeneity", side, "mean_closeness", secret, length] == pytest.approx(mean)
        assert found["homogeneity", side, "largest_closeness", secret, length] == pytest.approx(max(distances))


def test_redaction_loses_what_counting_again_finds(run: Run, records) -> None:
    counts, found = counted(records), figures(run, tables.ASSESSMENT)
    whole = Counter(tuple(row.items()) for row in records)

    def is_common(row: dict[str, str]) -> bool:
        return all(counts[c] >= K for n in (1, 2, 3) for c in itertools.combinations(row.items(), n))

    def blanked(row: dict[str, str]) -> dict[str, str]:
        kept: dict[str, str] = {}
        for name in sorted(COLUMNS, key=lambda name: len({row[name] for row in records if name in row})):
            tried = {other: row[other] for other in COLUMNS if other in kept or (other == name and name in row)}
            kept = tried if is_common(tried) else kept
        return kept

    values, left = sum(map(len, records)), {
        "suppress cases": [row for row in records if whole[tuple(row.items())] >= K],
        "suppress linkable cases": [row for row in records if is_common(row)],
        "suppress cells": [blanked(row) for row in records],
    }  # fmt: skip
    for name, kept in left.items():
        key, after = ("redaction", "sensitive"), counted(kept)
        cases = 100 * (1 - len(kept) / len(records))
        assert found[(*key, "lost_cases_percent", name, None)] == pytest.approx(cases)
        cells = 100 * (1 - sum(map(len, kept)) / values)
        assert found[(*key, "lost_cells_percent", name, None)] == pytest.approx(cells)
        assert 0 < cells < 100
        for length in (1, 2, 3):
            common = [c for c, count in counts.items() if len(c) == length and count >= K]
            lost = 100 * sum(after[c] < K for c in common) / len(common)
            assert found[(*key, "lost_combinations_percent", name, length)] == pytest.approx(lost)


def test_distances_are_those_of_the_tables(run: Run, records) -> None:
    before, after, found = counted(records), counted(made_by(run)), figures(run, tables.COMPARISONS)
    for length in (1, 2, 3):
        distances = {}
        for names in itertools.combinations(COLUMNS, length):
            inside = {c for c in before | after if tuple(name for name, _ in c) == names}
            total = sum(before[c] for c in inside)
            distances[" × ".join(names)] = sum(abs(before[c] - after[c]) for c in inside) / 2 / max(1, total)
        key = ("distance", "sensitive_to_synthetic")
        assert found[(*key, "largest_tvd", None, length)] == pytest.approx(max(distances.values()))
        assert found[(*key, "p95_tvd", None, length)] == pytest.approx(pd.Series(distances).quantile(0.95))
        score = 1000 * (1 - sum(distances.values()) / len(distances))
        assert found[(*key, "k_marginal_score", None, length)] == pytest.approx(score)
        worst = {k[3]: v for k, v in found.items() if k[:3] == (*key, "tvd") and k[4] == length}
        assert worst == pytest.approx({name: distances[name] for name in worst})
        assert min(worst.values()) >= sorted(distances.values(), reverse=True)[: len(worst)][-1] - 1e-12


def test_rare_combinations_are_listed_beside_their_counts_before(run: Run, records) -> None:
    before, after = counted(records), counted(made_by(run))
    rows = run.kept(tables.RARE).frame.collect()
    listed = {row["combination"]: (row["length"], row["synthetic"], row["sensitive"]) for row in rows}
    assert len(listed) == len(rows) > 0
    assert listed == {
        "; ".join(f"{name}: {value}" for name, value in c): (len(c), count, before[c] // K * K)
        for c, count in after.items()
        if count < K
    }


def test_associations_and_subgroups_are_those_of_the_tables(run: Run, records) -> None:
    old, new = ([tuple(row.get(name) for name in COLUMNS) for row in rows] for rows in (records, made_by(run)))
    found, width = figures(run, tables.COMPARISONS), len(COLUMNS)
    sides = [[cramers_v(side, *pair) for pair in itertools.combinations(range(width), 2)] for side in (old, new)]
    apart = pd.Series(sides[0]).sub(pd.Series(sides[1])).abs()
    held = Counter((at, value) for row in old for at, value in enumerate(row) if value is not None)
    gaps = pd.Series({
        f"{COLUMNS[at]}: {value}": sum(subgroup_gap(old, new, at, value, of) for of in range(width) if of != at)
        / (width - 1)
        for (at, value), count in held.items()
        if count >= K
    })  # fmt: skip
    for topic, name, values in (("association", "difference", apart), ("subgroup", "tvd", gaps)):
        for measure, value in (("mean", values.mean()), ("p95", values.quantile(0.95)), ("largest", values.max())):
            key = (topic, "sensitive_to_synthetic", f"{measure}_{name}", None, 2)
            assert found[key] == pytest.approx(value), key
    worst = {key[3]: value for key, value in found.items() if key[:3] == ("subgroup", "sensitive_to_synthetic", "tvd")}
    assert worst == pytest.approx({name: gaps[name] for name in worst})
    assert min(worst.values()) == pytest.approx(sorted(gaps, reverse=True)[9])


def test_attacks_and_models_are_made_on_a_rehearsal(run: Run) -> None:
    found = figures(run, tables.ASSESSMENT)
    names = {(key[1], key[3]) for key in found if key[0] == "attack" and key[2] == "risk"}
    assert {("linkability", None), ("inference", "gender"), ("inference", "isForcedLabour")} <= names
    assert found["attack", "linkability", "attacks", None, None] == 60
    assert 0 < found["model", "real_to_synthetic", "auc", None, None] <= 1
    assert ("model", "real_to_synthetic", "synthetic_accuracy", "gender", None) in found
    trial = run.store.folder / "rehearsal" / "rehearsal-1"
    assert json.loads((trial / "manifest.json").read_text())["facts"]["records"] < 0.9 * run.records
    assert not list((trial / "tables").iterdir())  # of the part of the records nothing stays
    ledger = [json.loads(line) for line in Path(run.plan.ledger_address).read_text().splitlines()]
    assert [entry["run_id"] for entry in ledger] == [run.store.run_id]  # the rehearsal costs nothing


@pytest.mark.takes("a rehearsal, which is a run of its own")
def test_partitions_do_not_matter(
    run: Run, spark: SparkSession, cases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = spark.conf.get("spark.sql.shuffle.partitions")
    in_several_files(monkeypatch)
    try:
        spark.conf.set("spark.sql.shuffle.partitions", "7")
        other = work_until(started(spark, cases, tmp_path / "out", **ASSESSED), "assess")
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    for table in (tables.COMPARISONS, tables.ASSESSMENT, tables.FIDELITY):
        assert other.kept(table).content_hash == run.kept(table).content_hash, table.name


def test_what_is_published_tells_nothing_of_exact_counts(run: Run) -> None:
    out = Path(run.plan.output.path)
    assert set(published(out, "fidelity")["comparison"]) == {"reportable_to_synthetic"}
    assert not len(published(out, "differences"))
    page = (out / "report.html").read_text()
    assert "PUBLIC" in page
    for word in ("INTERNAL", "sensitive →", "could be linked", "rehears"):
        assert word not in page, word
    signed = (run.store.folder / "report.html").read_text()
    for word in ("INTERNAL", "could be linked", "What attacks gain", "What redaction would have lost"):
        assert word in signed, word
    assert "linkability" in (run.store.folder / "report.md").read_text()


# --- an earlier release


@pytest.mark.takes("a whole release, and counting by hand")
def test_both_releases_together_tell_what_intervals_tell(
    run: Run, spark: SparkSession, cases: Path, records, tmp_path: Path
) -> None:
    first = Path(run.plan.output.path)
    keys = {**ASSESSED, "assessment__rehearsal": False, "assessment__redaction": False, "privacy__k": 7}
    accepted = {f"differencing.{rule}": "tried" for rule in ("no_known_count", "no_small_group")}
    second = release(spark, cases, tmp_path / "out", **keys, assessment__earlier=str(first), accepted=accepted)
    found, exact = figures(second, tables.DIFFERENCES), counted(records)
    sides = [published_counts(first), published_counts(tmp_path / "out")]
    known, known_of_published = {}, {}
    for length in (1, 2, 3):
        numbers = Counter()
        for combination in exact:
            text = ";".join(sorted(f"{name}:{value}" for name, value in combination))
            old, new = (counts.get(text, 0) for counts in sides)
            if len(combination) == length and (old or new):
                low, high = max(old, new), min(old + K - 1, new + 6)
                numbers["compared"] += 1
                numbers["only_earlier"] += not new
                numbers["only_this"] += not old
                numbers["small_difference"] += bool(old and new and 0 < abs(old - new) < 7)
                numbers["narrowed"] += 0 < high - low + 1 < K
                numbers["pinned"] += high == low
                numbers["contradicting"] += high < low  # one of them was lowered
                numbers["rose"] += new - old >= K
                numbers["fell"] += old - new >= 7
            if len(combination) == length:  # as they were before some were lowered, which the run folders tell
                rounded = exact[combination] // K * K, exact[combination] // 7 * 7
                known |= narrow(text, rounded, (old, new))
                known_of_published |= narrow(text, (old, new), (old, new))
        for name in numbers:
            key = ("difference", "earlier_to_this", name, run.store.run_id, length)
            assert found[key] == numbers[name], (name, length)
    assert listed(second) == known != known_of_published
    assert all(low <= exact_of(exact, text) <= high for text, (_, _, low, high) in known.items())
    assert "Together with earlier releases" in (tmp_path / "out" / "report.html").read_text()
    assert_worst_are_listed(second, tmp_path / "out")
    assert second.store.run_id in json.loads((tmp_path / "out" / "LATEST.json").read_text())["run_id"]
    stepped = another(second, tmp_path / "more" / "out", "stepped", "assess")
    stepped.store.facts["step"] = {"lowered_records": 0}  # what is published was chosen, and is compared as it is
    api.work(stepped, "assess")
    assert listed(stepped) == known_of_published


Row = tuple[int | None, int | None, int, int]


def narrow(text: str, told: tuple[int, int], shown: tuple[int, int]) -> dict[str, Row]:
    """A combination with what its two counts tell of one exact count, if that is too much; k is K, then 7."""
    low, high = max(told), min(told[0] + K - 1, told[1] + 6)
    known = 0 < high - low + 1 < K or (0 < low <= high < 7)
    return {text: (shown[0] or None, shown[1] or None, low, high)} if known and any(told) else {}


def listed(run: Run) -> dict[str, Row]:
    """The same as it is kept."""
    rows = run.kept(tables.DIFFERING).frame.where("told = 'known_count'").collect()
    return {row["selections"]: (row["earlier"], row["this"], row["least"], row["most"]) for row in rows}


def assert_worst_are_listed(held: Run, out: Path) -> None:
    """Twelve for those who sign, of the fewest records first; none in what is published."""
    words = ("if the same ones hold it in both", "which that release withheld", "which it withholds")
    report, public = (folder / "report.md" for folder in (held.store.folder, out / "_documents" / held.store.run_id))
    lines = [line for line in report.read_text().splitlines() if line.startswith("|") and any(w in line for w in words)]
    rows = held.kept(tables.DIFFERING).frame.collect()
    most = sorted(row["most"] for row in rows)[:12]
    assert len(rows) > 12
    assert len(lines) == 12
    for line, number in zip(lines, most, strict=True):
        assert f"to {number} of" in line or f"exactly {number} of" in line
    assert not public.exists()
    for file in public.parent.iterdir():
        assert not [word for word in words if word in file.read_text()]


@pytest.mark.takes("three audits of whole releases")
def test_a_release_is_compared_with_the_one_that_readers_have_when_it_is_published(plain: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    late, early = (another(plain, out, name, "validate") for name in ("late", "early"))
    api.work(late, "validate")
    assert not late.kept(tables.DIFFERENCES).rows
    api.resume(early)
    with pytest.raises(PublishError, match="another current release"):
        api.work(late, "publish")
    assert json.loads((out / "LATEST.json").read_text())["run_id"] == "early"
    api.resume(late)
    compared = late.kept(tables.DIFFERENCES).frame.where("topic = 'difference'").collect()
    assert {row["about"] for row in compared} == {"early"}
    assert json.loads((out / "LATEST.json").read_text())["run_id"] == "late"


def exact_of(counts: Counter[tuple[tuple[str, str], ...]], selections: str) -> int:
    """The exact count of a combination by its text."""
    wanted = set(selections.split(";"))
    return next(n for c, n in counts.items() if {f"{name}:{value}" for name, value in c} == wanted)


def test_an_earlier_release_that_is_none(spark: SparkSession, cases: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"assessment\.earlier: holds no release"):
        release(spark, cases, tmp_path / "out", privacy__k=K, input__columns=COLUMNS, assessment__earlier=str(tmp_path))


# --- rules of a plan, and who accepts what

KEPT = {"rule": "use.kept_pairs", "measure": "kept_share_of_common", "length": 2, "at_least": 1.01}
GENDER = {
    "rule": "use.gender_known", "table": "synthetic_records", "expectation": "ExpectColumnValuesToNotBeNull",
    "arguments": {"column": "gender", "mostly": 0.01},
}  # fmt: skip


def held(plain: Run, out: Path, *rules: dict[str, object]) -> Run:
    """A run that stops at its audit."""
    run = another(plain, out, "held", "validate", rules=list(rules))
    run.store.manifest["plan"]["ledger"]["address"] = str(out.with_name("ledger.jsonl"))  # of this test alone
    run.store.save()
    with pytest.raises(AuditFailed):
        api.resume(run)
    return Run(run.spark, RunStore.open(run.store.folder), Progress(quiet=True))


def test_a_broken_critical_rule_holds_the_release_with_its_report(plain: Run, tmp_path: Path) -> None:
    run = held(plain, tmp_path / "out", KEPT, GENDER)
    assert not (tmp_path / "out" / "LATEST.json").exists()
    notice = tmp_path / "out.work" / "quarantine" / "held.md"
    assert "use.kept_pairs" in notice.read_text()
    known = yaml.safe_load((run.store.folder / "contract.yml").read_text())
    assert {"proof.support", "combinations.no_leakage"} <= {rule["rule"] for rule in known["contract"]}
    assert [rule["rule"] for rule in known["own"]] == ["use.kept_pairs", "use.gender_known"]
    assert "Must not go out" in (run.store.folder / "report.html").read_text()
    told = {row["suite"] + "." + row["rule"]: row["success"] for row in run.kept(tables.AUDIT_RESULTS).frame.collect()}
    assert told["use.kept_pairs"] is False
    assert told["use.gender_known"] is True
    assert not Path(run.plan.ledger_address).exists()  # nothing was released
    before = (run.store.folder / "manifest.json").read_bytes()
    for name, problem in {"use.kept_pairs": "is critical and cannot be accepted", "use.nosuch": "is no rule"}.items():
        with pytest.raises(PlanError, match=problem):
            accept(run, name, "we need it")
    with RunStore.open(run.store.folder).alone(), pytest.raises(RunError, match="another process"):
        accept(run, "differencing.no_small_group", "somebody works on it")
    assert (run.store.folder / "manifest.json").read_bytes() == before


def test_a_warning_holds_the_release_until_someone_accepts_it(plain: Run, tmp_path: Path) -> None:
    told = {**KEPT, "rule": "use.kept_published", "comparison": "reportable_to_synthetic", "severity": "warning"}
    run = held(plain, tmp_path / "out", {**KEPT, "severity": "warning"}, told)
    run.store.manifest["accepted"] = {"no.rule": {"reason": "typing", "by": "x", "when": "y"}}  # as versions before did
    for rule in ("use.kept_pairs", "use.kept_published"):
        accept(run, rule, "a first release, small on purpose")
    api.resume(run)
    assert not (tmp_path / "out.work" / "quarantine" / "held.md").exists()
    ledger = ledger_of(run.plan)
    assert [entry.run_id for entry in ledger.entries()] == [run.store.run_id]  # once it was published, and once
    assert "has been released 1 times before" in ledger.check(run.policy.cost(run.plan, "another"))[0]
    quality = published(tmp_path / "out", "quality_results").set_index("rule")
    assert "a first release, small on purpose" in quality.loc["kept_published", "accepted"]
    assert "kept_pairs" not in quality.index  # it tells of exact counts
    for name in ("QUALITY.md", "RELEASE.md", "report.html"):
        text = (tmp_path / "out" / name).read_text().replace("\\", "")
        assert "use.kept_published" in text
        assert "kept_pairs" not in text
        assert "One more rule is about figures of the sensitive records" in text
    assert "a first release, small on purpose" in (tmp_path / "out" / "QUALITY.md").read_text()
    assert "use.kept_pairs" in (run.store.folder / "quality.md").read_text()
    history = pd.read_parquet(tmp_path / "out.work" / "quality_results")
    assert history.groupby("audited").size().nunique() == 1
    assert history["audited"].nunique() == 2
    assert history[history["rule"] == "kept_pairs"]["accepted"].astype(bool).tolist().count(True) == 1


def test_what_a_plan_accepts_must_be_a_warning_of_the_release(plain: Run, tmp_path: Path) -> None:
    rules = [{**KEPT, "severity": "warning", "at_least": 0.0}]
    keys = {"rules": rules, "accepted": {"use.kept_pair": "typing"}}
    with pytest.raises(PlanError, match=r"accepted use\.kept_pair: is no rule"):
        api.resume(another(plain, tmp_path / "out", "typing", "validate", **keys))


def test_a_rule_about_what_was_not_measured_does_not_hold(plain: Run, tmp_path: Path) -> None:
    run = held(plain, tmp_path / "out", {"rule": "use.risk", "topic": "attack", "measure": "risk", "at_most": 1})
    assert "(was not measured)" in (run.store.folder / "quality.md").read_text()


def test_expectations_that_do_not_exist_are_told(plain: Run, tmp_path: Path) -> None:
    for change, message in (({"expectation": "ExpectMiracles"}, "does not have"), ({"arguments": {}}, "does not take")):
        with pytest.raises(PlanError, match=message):
            api.resume(another(plain, tmp_path / "out", message.split()[-1], "validate", rules=[{**GENDER, **change}]))


def test_a_release_can_be_audited_again(plain: Run, tmp_path: Path) -> None:
    run = another(plain, tmp_path / "out", "audited", "validate")
    api.resume(run)
    api.validate_again(run)
    assert run.store.done("publish")
    file = next((tmp_path / "out" / "aggregates").rglob("*.parquet"))
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(PublishError, match="table aggregates: is not what was audited"):
        api.validate_again(run)
