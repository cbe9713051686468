"""The whole line on small tables, checked on what was published."""

import itertools
import json
import shutil
import stat
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from releasing import (
    another,
    hashes,
    in_several_files,
    kept,
    kept_hashes,
    published,
    release,
    started,
    work_until,
    write_csv,
)

from synth_spark import aggregate, demo, evaluate
from synth_spark.aggregate import k_anonymity as suppress
from synth_spark.encode.combinations import count as count_combinations
from synth_spark.errors import AuditFailed, PlanError, PublishError, RunError
from synth_spark.kernels.arrow_codec import unpack_codes
from synth_spark.kernels.cells import starts_of
from synth_spark.kernels.growth.rounding import give_up, offer, thresholds
from synth_spark.kernels.keyed_random import derive, hash_copies
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.stages import STAGES
from synth_spark.schema import tables
from synth_spark.schema.tables import Sensitivity

K = 3


@pytest.fixture(scope="module")
def cases(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hundred invented cases, seven columns of them used below."""
    path = tmp_path_factory.mktemp("cases") / "cases.csv"
    demo.write_csv(spark, path, 400, seed=3)
    return path


COLUMNS = [
    "yearOfRegistration",
    "gender",
    "ageBroad",
    "citizenship",
    "CountryOfExploitation",
    "meansThreats",
    "isForcedLabour",
]


@pytest.fixture(scope="module")
def first(spark: SparkSession, cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A release of the cases, to be looked at; who changes something takes `another`."""
    out = tmp_path_factory.mktemp("release") / "out"
    return release(spark, cases, out, privacy__k=K, input__columns=COLUMNS, run_id="first")


@pytest.fixture(scope="module")
def out(first: Run) -> Path:
    """Where it was published."""
    return Path(first.plan.output.path)


def test_a_domain_tells_the_single_counts_of_what_is_counted(first: Run) -> None:
    """Of all combinations, and of those without an attribute rarer than k."""
    domain, resolved, codes = first.domain, first.resolved, first.kept(tables.CODES).frame
    for least, common in ((1, None), (K, domain.common(K))):
        counts = count_combinations(codes, resolved.cells, 2, resolved.counting_block, common)
        counted = evaluate.single_counts(counts, resolved.cells, first.records).counts
        assert counted.tolist() == domain.single_counts(least).tolist()
    assert min(domain.single_counts()) < K <= max(domain.single_counts())
    assert first.single_counts(tables.COUNTS, first.records).counts.tolist() == domain.single_counts().tolist()


def sensitive(cases: Path) -> pd.DataFrame:
    return pd.read_csv(cases, dtype=str, keep_default_na=False)[COLUMNS]


def combinations(frame: pd.DataFrame, longest: int) -> Counter[tuple[tuple[str, str], ...]]:
    counts: Counter[tuple[tuple[str, str], ...]] = Counter()
    for record in frame.to_dict("records"):
        attributes = [(name, value) for name, value in record.items() if isinstance(value, str) and value]
        for length in range(1, longest + 1):
            counts.update(itertools.combinations(attributes, length))
    return counts


def test_aggregates_are_all_common_combinations_rounded_down(cases: Path, first: Run, out: Path) -> None:
    exact = {c: n // K * K for c, n in combinations(sensitive(cases), 3).items() if n >= K}
    less = aggregate.aggregates(first.kept(tables.LOWERED).frame, first.domain, first.resolved).toPandas()
    lowered = dict(zip(less["selections"], less["protected_count"], strict=True))
    left = {
        c: n - lowered.get(";".join(sorted((f"{n}:{v}" for n, v in c), key=str.encode)), 0) for c, n in exact.items()
    }
    expected = {c: n for c, n in left.items() if n}
    assert 0 < len(lowered) < len(exact) / 10
    found = published(out, "aggregates")
    read = {
        tuple((name, row[name]) for name in COLUMNS if isinstance(row[name], str)): row["protected_count"]
        for row in found.to_dict("records")
    }
    assert read == expected
    assert (found["length"] == found[COLUMNS].notna().sum(axis=1)).all()
    assert found["selections"].tolist()[0].count(":") == 1
    texts = {";".join(sorted((f"{n}:{v}" for n, v in c), key=str.encode)) for c in expected}
    assert set(found["selections"]) == texts


def test_aggregates_are_ordered_by_what_is_published(out: Path) -> None:
    found = published(out, "aggregates")
    ordered = found.sort_values(
        ["length", "protected_count", "selections"], ascending=[True, False, True],
        key=lambda column: column if column.dtype != object else column.map(str.encode), kind="stable",
    )  # fmt: skip
    assert ordered.index.tolist() == found.index.tolist()


def test_aggregates_that_several_tasks_sort_are_in_the_same_order(
    first: Run, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = published(out, "aggregates")
    monkeypatch.setattr(suppress, "SORTED", len(whole) // 4)
    run = work_until(another(first, tmp_path / "out", "sorted", "aggregate"), "aggregate")
    files = sorted((run.store.folder / "tables" / "aggregates").glob("*.parquet"))
    parts = [pd.read_parquet(file) for file in files]
    assert len(parts) > 2
    assert max(len(part) for part in parts) < len(whole) / 2
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)


def test_every_synthetic_record_is_contained_in_k_sensitive_ones(cases: Path, out: Path) -> None:
    real = sensitive(cases)
    for record in published(out, "synthetic_records").drop_duplicates().to_dict("records"):
        values = {name: value for name, value in record.items() if isinstance(value, str)}
        assert values
        assert (real[list(values)] == pd.Series(values)).all(axis=1).sum() >= K


def test_single_counts_are_the_protected_ones(cases: Path, out: Path) -> None:
    real, made = sensitive(cases), published(out, "synthetic_records")
    for name in COLUMNS:
        expected = {value: n // K * K for value, n in Counter(real[name]).items() if value and n >= K}
        assert made[name].value_counts().to_dict() == expected


def test_order_of_synthetic_records_tells_nothing(out: Path) -> None:
    made = published(out, "synthetic_records").fillna("")
    filled = (made != "").sum(axis=1).reset_index(drop=True)
    halves = filled[: len(filled) // 2].mean(), filled[len(filled) // 2 :].mean()
    assert abs(halves[0] - halves[1]) < 0.4
    assert made.apply(tuple, axis=1).tolist() != sorted(made.apply(tuple, axis=1))


def test_a_seed_that_is_guessed_does_not_explain_the_order_of_records(first: Run, out: Path) -> None:
    """Whoever hashes records, coded by exact counts, under the seed's key finds them in an order of their own."""
    assert first.store.seed == 5
    domain = first.domain
    exact = [dict(zip(column.values, column.counts, strict=True)) for column in domain.columns]
    ranked = [sorted(counts, key=lambda value: (-counts[value], value.encode())) for counts in exact]
    for file in sorted((out / "synthetic_records" / "run_id=first").glob("*.parquet")):
        rows = pd.read_parquet(file)[COLUMNS].astype(object).where(lambda cells: cells.notna(), None)
        rows = rows.drop_duplicates()
        codes = [[0 if v is None else ranked[c].index(v) + 1 for c, v in enumerate(row)] for row in rows.to_numpy()]
        copies = np.ones(len(codes), np.int64)
        places = hash_copies(np.array(codes, np.uint16), copies, np.uint64(derive(5, "row order"))).view(np.int64)
        assert len(places) > 50
        assert 0.35 < (np.diff(places) > 0).mean() < 0.65


def test_a_seed_that_is_guessed_does_not_tell_what_rounding_took(first: Run) -> None:
    """Else whoever has the seed would see which records lack a value by rounding: how many is the count's remainder."""
    domain, copies = first.domain, kept(first, tables.SEPARATED)["copies"].to_numpy()
    codes = unpack_codes(pa.array(kept(first, tables.SEPARATED)["record"], pa.binary()), len(domain.columns))
    starts = starts_of(domain.common(K))

    def rounded(seed: int) -> Counter[tuple[str, ...]]:
        key = derive(seed, "round")
        most = K - 1 + K * int(first.lowered_singles.max(initial=0))
        some, largest = thresholds(*offer(codes, copies, starts, most, key), K, first.lowered_singles)
        assert some.any()
        records, left = give_up(codes, copies, starts, some, largest, key)
        texts = zip(*(cells.to_pylist() for cells in domain.decode(records)), strict=True)
        return Counter(dict(zip(texts, left.tolist(), strict=True)))

    frame = kept(first, tables.SYNTHETIC_RECORDS).astype(object)
    made = Counter(tuple(row) for row in frame.where(frame.notna(), None).to_numpy())
    assert set(rounded(first.growth_seed)) == set(made)
    assert set(rounded(first.store.seed)) != set(made)


def test_a_seed_gives_the_same_records_in_an_order_that_the_run_alone_knows(first: Run, tmp_path: Path) -> None:
    """Resumed, or made anew, a run has its records where they were; a run of the same seed has the same elsewhere."""
    same, other = (another(first, tmp_path / name, name, "synthesize") for name in ("same", "other"))
    other.store.manifest["order_key"] = started(
        first.spark, Path(first.plan.input.path or ""), tmp_path / "new", input__columns=COLUMNS
    ).store.manifest["order_key"]
    assert other.store.order_key != same.store.order_key == first.store.order_key
    made = [kept(work_until(run, "synthesize"), tables.SYNTHETIC_RECORDS) for run in (same, other)]
    assert kept_hashes(same)["synthetic_records"] == kept_hashes(other)["synthetic_records"] == hashes(
        Path(first.plan.output.path))["synthetic_records"]  # fmt: skip
    before = kept(first, tables.SYNTHETIC_RECORDS)
    pd.testing.assert_frame_equal(made[0], before)
    assert not made[1].equals(before)


def test_nothing_rare_or_exact_is_published(cases: Path, out: Path) -> None:
    rare = {value for name in COLUMNS for value, n in Counter(sensitive(cases)[name]).items() if value and n < K}
    assert len(rare) > 3
    text = b"".join(file.read_bytes() for file in out.rglob("*") if file.is_file() and file.suffix != ".parquet")
    for table in ("synthetic_records", "aggregates", "evaluation", "quality_results", "release"):
        text += published(out, table).to_csv().encode()
    common = {value for name in COLUMNS for value, n in Counter(sensitive(cases)[name]).items() if n >= K}
    for value in rare - common:
        assert f'"{value}"'.encode() not in text
        assert f",{value},".encode() not in text
    assert b'"seed"' not in text
    assert str(cases).encode() not in text
    assert set(published(out, "evaluation")["comparison"]) == {"reportable_to_synthetic"}


def test_release_md_says_what_the_tables_hold(cases: Path, out: Path) -> None:
    """Every number in it, counted again from what was published."""
    told, made, text = (
        published(out, "aggregates"),
        published(out, "synthetic_records"),
        (out / "RELEASE.md").read_text(),
    )
    of_told = {
        tuple((name, row[name]) for name in COLUMNS if isinstance(row[name], str)): row["protected_count"]
        for row in told.to_dict("records")
    }
    of_made = combinations(made.fillna(""), 3)
    held, mass = [], []
    for length in (1, 2, 3):
        own = {c: n for c, n in of_told.items() if len(c) == length}
        held.append(100 * sum(of_made[c] > 0 for c in own) / len(own))
        mass.append(100 * sum(min(of_made[c], n) for c, n in own.items()) / sum(own.values()))
    lengths = ", ".join(f"{int((told['length'] == length).sum()):,} of length {length}" for length in (1, 2, 3))
    rules = published(out, "quality_results")
    for words in (
        f"describes about {len(sensitive(cases)) // K * K:,} records with {len(COLUMNS)} columns",
        f"k-anonymity with k = {K}",
        f"contained in at least {K} sensitive records",
        f"every count in `aggregates` is at least {K} and a multiple of {K}. k counts records:",
        f"holds {len(told):,} combinations of up to 3 attributes ({lengths})",
        f"holds {len(made):,} artificial records",
        f"difference is 0; 0 of the {int((told['length'] == 1).sum()):,} published values are in no synthetic record",
        "synthetic records hold {:.1f} % of the singles, {:.1f} % of the pairs and {:.1f} % of the triples".format(
            *held
        ),
        "reproduce {:.1f} % of the singles, {:.1f} % of the pairs and {:.1f} % of the triples".format(*mass),
        f"{len(rules)} rules of the audit may be told of; all were checked on what was written, and {len(rules)} held.",
    ):
        assert words in text
    assert rules["success"].all()


def test_layout_of_the_published_root(out: Path) -> None:
    shown = ("synthetic_records", "aggregates", "evaluation", "fidelity", "differences", "quality_results", "release")
    names = set(shown)
    files = {"LATEST.json", "RELEASE.md", "QUALITY.md", "report.html", "showcase.html"}
    files |= {"sources.yml", "expectations.json", "validations.json"}
    inner = {"_manifests", "_documents", "_commits", ".publishing"}
    assert {path.name for path in out.iterdir()} == names | files | inner
    assert {path.name for path in (out / "_documents" / "first").iterdir()} == files - {"LATEST.json"}
    suites, validations = (json.loads((out / name).read_text()) for name in ("expectations.json", "validations.json"))
    rules = [one["meta"]["rule"] for suite in suites["suites"] for one in suite["expectations"]]
    assert "aggregates.multiple_of_k" in rules
    assert len(rules) == len(published(out, "quality_results"))  # the plan has no rules of its own
    assert all(one["success"] for one in validations["results"])
    pointer = json.loads((out / "LATEST.json").read_text())
    assert pointer["run_id"] == "first"
    assert set(pointer["tables"]) == names
    assert published(out, "synthetic_records").columns.tolist() == COLUMNS
    release_row = published(out, "release").iloc[0]
    assert release_row["protected_record_count"] == 400 // K * K
    assert release_row["k"] == K
    sentences = (out / "RELEASE.md").read_text()
    assert "1. This release" in sentences
    held = len(published(out, "quality_results"))
    assert held > 10
    assert f"{held} rules of the audit may be told of" in sentences
    assert f"and {held} held" in sentences


def test_the_run_folder_is_for_its_owner_and_explains_itself(out: Path) -> None:
    folder = out.with_name("out.work") / "first"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    manifest = json.loads((folder / "manifest.json").read_text())
    assert set(manifest["stages"]) == set(STAGES["k_anonymity"])
    assert manifest["tables"]["records"]["rows"] == 400
    assert manifest["seed"] == 5
    for entry in manifest["tables"].values():
        assert len(entry["content_hash"]) == 64
        assert entry["files"]


def test_partitions_do_not_matter(
    spark: SparkSession, cases: Path, first: Run, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_several_files(monkeypatch)
    frame = spark.read.csv(str(cases), header=True)
    found = []
    for parts in (1, 7):
        frame.repartition(parts).write.parquet(str(tmp_path / f"cases-{parts}.parquet"))
        source = tmp_path / f"cases-{parts}.parquet"
        run = started(spark, source, tmp_path / f"out-{parts}", privacy__k=K, input__columns=COLUMNS)
        found.append(kept_hashes(work_until(run, "evaluate")))
    assert found[0] == found[1] == kept_hashes(first) == hashes(out)


def test_another_seed_makes_other_records_and_the_same_counts(
    spark: SparkSession, cases: Path, first: Run, tmp_path: Path
) -> None:
    other = started(spark, cases, tmp_path / "out", privacy__k=K, input__columns=COLUMNS, seed=6)
    work_until(other, "synthesize")
    mine, theirs = kept_hashes(other), kept_hashes(first)
    assert mine["aggregates"] == theirs["aggregates"]
    assert mine["synthetic_records"] != theirs["synthetic_records"]


def test_a_stage_can_be_run_again_and_the_rest_resumed(first: Run, tmp_path: Path) -> None:
    reopened = another(first, tmp_path / "out", "again", "publish")
    api.resume(reopened)
    done = hashes(tmp_path / "out")
    api.work(reopened, "synthesize")
    assert not reopened.store.done("evaluate")
    with pytest.raises(RunError, match="'publish': needs the stage 'evaluate'"):
        api.work(reopened, "publish")
    api.resume(reopened)  # of the same content: nothing is to be done
    assert hashes(tmp_path / "out") == done == kept_hashes(first)
    with pytest.raises(PublishError, match="has been published there already"):
        api.work(reopened, "publish")
    assert reopened.store.done("publish")
    reopened.store.manifest["seed"] = 6
    api.work(reopened, "synthesize")
    with pytest.raises(PublishError, match="has been published there already"):
        api.resume(reopened)  # of another content
    assert hashes(tmp_path / "out") == done
    with pytest.raises(PlanError, match="did you mean 'validate'"):
        api.work(reopened, "validat")


def test_a_changed_file_is_not_published(first: Run, tmp_path: Path) -> None:
    run = another(first, tmp_path / "out", "bad", "publish")
    file = next((run.store.folder / "tables" / "synthetic_records").glob("*.parquet"))
    whole = file.read_bytes()
    shutil.copyfile(file, file.with_name("more.parquet"))  # a row too many is as bad as one that changed
    with pytest.raises(RunError, match="synthetic_records: is not what was written"):
        api.work(run, "publish")
    file.with_name("more.parquet").unlink()
    file.write_bytes(whole + b"x")
    with pytest.raises(RunError, match=r"synthetic_records: is not what was written; .* stage synthesize RUN"):
        api.resume(run)
    assert not (tmp_path / "out" / "LATEST.json").exists()


def test_one_column_and_a_length_above_it(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_csv(tmp_path / "one.csv", "colour\n" + "red\n" * 7 + "blue\n" * 4 + "green\n")
    run = release(spark, source, tmp_path / "out", privacy__k=2)
    assert run.resolved.length == 1
    assert run.resolved.notes == ("reporting_length 3 was lowered to 1, the number of columns.",)
    assert published(tmp_path / "out", "synthetic_records")["colour"].value_counts().to_dict() == {"red": 6, "blue": 4}
    assert "lowered to 1" in (tmp_path / "out" / "RELEASE.md").read_text()


def test_hostile_values_and_headers_come_out_as_they_went_in(spark: SparkSession, tmp_path: Path) -> None:
    values = ['say "hi"', "a;b:c", "x, y", "naïve ☃ 🙂", "שלום", "nan", "NULL", "1.0", "back\\slash", "<script>"]
    header = ["a.b", "c`d", "e f", "g;h:i"]
    frame = pd.DataFrame([[value] * 4 for value in values for _ in range(3)], columns=header)
    frame.to_csv(tmp_path / "hostile.csv", index=False)
    release(spark, tmp_path / "hostile.csv", tmp_path / "out", privacy__k=3)
    made = published(tmp_path / "out", "synthetic_records")
    assert made.columns.tolist() == header
    for name in header:
        assert made[name].value_counts().to_dict() == dict.fromkeys(values, 3)
    texts = published(tmp_path / "out", "aggregates").query("length == 1")["selections"]
    assert "g<semicolon>h<colon>i:a<semicolon>b<colon>c" in set(texts)


def test_a_failed_audit_stops_the_release_and_leaves_the_previous_one(
    spark: SparkSession, cases: Path, first: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    api.resume(another(first, out, "good", "publish"))
    before = (out / "LATEST.json").read_text()
    run = another(first, out, "bad", "evaluate")
    plant(run, spark, sensitive(cases))
    with pytest.raises(AuditFailed) as failure:
        api.resume(run)
    assert "proof.support" in str(failure.value)
    assert (out / "LATEST.json").read_text() == before
    assert not list(out.rglob("*bad*"))
    report = (run.store.folder / "quality.md").read_text()
    assert "**failed** | proof.support" in report
    for value in set(sensitive(cases)["citizenship"]) - {""}:
        assert f" {value} " not in str(failure.value)


def plant(run: Run, spark: SparkSession, real: pd.DataFrame) -> None:
    """Add a whole rare sensitive record to the written synthetic records."""
    keys = real.apply(tuple, axis=1)
    rare = keys[keys.map(keys.value_counts()) < K].iloc[0]
    row = spark.createDataFrame(
        [tuple(value or None for value in rare)], run.kept(tables.SYNTHETIC_RECORDS).frame.schema
    )
    run.keep(tables.SYNTHETIC_RECORDS, run.kept(tables.SYNTHETIC_RECORDS).frame.union(row).localCheckpoint())


def test_only_aggregate_and_synthesize_vouch(first: Run) -> None:
    from synth_spark import aggregate, synthesize

    for table in vars(tables).values():
        if isinstance(table, tables.Table) and table.sensitivity is not Sensitivity.SAFE:
            if table.name not in first.store.manifest["tables"]:
                continue  # of the other line
            with pytest.raises(TypeError, match=table.name):
                tables.SafeTable(first.kept(table))
    with pytest.raises(TypeError, match="aggregate does not make"):
        aggregate.vouch(first.kept(tables.SYNTHETIC_RECORDS))
    with pytest.raises(TypeError, match="synthesize does not make"):
        synthesize.vouch(first.kept(tables.AGGREGATES))
