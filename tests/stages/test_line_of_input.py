"""Whole releases of rich input: several values, rules, coarser values; and texts that come out as they went in."""

import csv
import io
import shutil
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from hostile import HOSTILE_VALUES
from installing import ROOT
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from releasing import kept, published, release, started, work_until, write_csv

from synth_spark import plan as plans
from synth_spark.cli.main import main
from synth_spark.errors import AuditFailed, PlanError
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.schema import tables

#: Texts of cells that mean something, blanks and quotes and line breaks with them.
TEXTS = [
    text
    for text in [*HOSTILE_VALUES, " leading", "trailing ", "a, b", 'say "x"', "a\r\nb"]
    if text.strip(" \t\n\r\x1f\ufeff\u00a0")
]
TEXTS = [text for text in TEXTS if text not in ("0", "\x00", "\u200b") and "\r" not in text]


def test_texts_come_out_exactly_as_they_went_in(spark: SparkSession, tmp_path: Path) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["text", "côté; x:y"])
    writer.writerows([text, "|".join(["p", f"q{len(text) % 3}"])] for text in TEXTS for _ in range(6))
    source = write_csv(tmp_path / "cases.csv", out.getvalue())
    settings = {"input__multiline": True, "input__multi_values": {"côté; x:y": "|"}, "privacy__k": 5}
    run = started(spark, source, tmp_path / "out", input__max_value_length=2_000, **settings)
    made = kept(work_until(run, "synthesize"), tables.SYNTHETIC_RECORDS)
    assert list(made.columns) == ["text", "côté; x:y"]
    assert made["text"].value_counts().to_dict() == dict.fromkeys(TEXTS, 5)
    counts = kept(run, tables.AGGREGATES)
    assert set(counts.loc[counts["length"] == 1, "text"].dropna()) == set(TEXTS)


def test_several_values_leave_in_the_form_they_came_in(spark: SparkSession, tmp_path: Path) -> None:
    """Values that are too rare are in no header, no cell and no table."""
    rows = ["a1;a2"] * 7 + ["a2; a1"] * 6 + ["a3"] * 9 + ["a1;seldom9;a3"] * 3 + [""] * 5
    text = "x,kinds\n" + "".join(f"v{place % 2},{row}\n" for place, row in enumerate(rows))
    source = write_csv(tmp_path / "cases.csv", text)
    run = release(spark, source, tmp_path / "out", input__multi_values={"kinds": ";"}, privacy__k=5)
    made = published(tmp_path / "out", "synthetic_records")
    assert set(made["kinds"].dropna()) <= {"a1;a2", "a1;a3", "a1", "a2", "a3"}
    pieces = Counter(piece for cell in made["kinds"].dropna() for piece in cell.split(";"))
    assert pieces == {"a1": 15, "a2": 10, "a3": 10}  # 16, 13 and 12, rounded down
    counts = published(tmp_path / "out", "aggregates")
    pair = counts[(counts["length"] == 2) & (counts["kinds"] == "a1;a2")]
    assert pair[["selections", "protected_count"]].to_numpy().tolist() == [["kinds:a1;kinds:a2", 10]]
    for file in (tmp_path / "out").rglob("*"):
        assert file.is_dir() or b"seldom9" not in file.read_bytes()
    listed = run.kept(tables.RECORDS).frame.select("c0", F.col("c1").alias("kinds")).withColumnRenamed("c0", "x")
    listed.write.parquet(str(tmp_path / "lists.parquet"))
    other = started(spark, tmp_path / "lists.parquet", tmp_path / "lists", privacy__k=5)
    as_lists = kept(work_until(other, "synthesize"), tables.SYNTHETIC_RECORDS)
    joined = as_lists["kinds"].map(lambda cell: None if cell is None else ";".join(cell))
    as_text = made["kinds"].where(made["kinds"].notna(), None)
    assert Counter(zip(as_lists["x"], joined, strict=True)) == Counter(zip(made["x"], as_text, strict=True))


def test_rules_hold_in_every_synthetic_record_and_are_audited(spark: SparkSession, tmp_path: Path) -> None:
    rows = ["0-8,,none"] * 9 + ["0-8,wed,none;smith"] * 8 + ["9-17,wed,smith"] * 9 + ["9-17,,"] * 6
    source = write_csv(tmp_path / "cases.csv", "age,status,jobs\n" + "\n".join(rows) + "\n")
    rule = {"when": {"age": "0-8"}, "then": {"status": [], "jobs": ["none"]}}
    settings = {"input__multi_values": {"jobs": ";"}, "input__constraints": [rule], "privacy__k": 5}
    run = release(spark, source, tmp_path / "out", **settings)
    made = published(tmp_path / "out", "synthetic_records")
    children = made[made["age"] == "0-8"]
    assert len(children) > 0
    assert children["status"].isna().all()
    assert set(children["jobs"].dropna()) <= {"none"}
    assert "input.constraints.0: 8 records that break it (drop_values)" in (run.store.folder / "input.md").read_text()
    assert "keeps the structural rule" in (tmp_path / "out" / "RELEASE.md").read_text()
    sound = run.kept(tables.SYNTHETIC_RECORDS).frame.localCheckpoint()
    broken = sound.withColumn("status", F.when(F.col("age") == "0-8", "wed").otherwise(F.col("status")))
    run.keep(tables.SYNTHETIC_RECORDS, broken.localCheckpoint())
    api.work(run, "evaluate")
    api.work(run, "assess")
    with pytest.raises(AuditFailed, match=r"constraints\.kept"):
        api.work(run, "validate")


@pytest.mark.takes("a whole release of rich input")
def test_the_example_of_rich_input(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """conf/demo/partners.yml, with files as it describes them."""
    north = [
        f"N{n // 2},{'MF?'[n // 2 % 3]},{n % 90},{'debt;force' if n % 2 else 'debt'},2021-{n % 12 + 1:02d}-01,"
        f"{'DE' if n % 5 else 'XX'}"
        for n in range(400)
    ]
    text = "Nr,Sex,Age,Means,Seen,Land,Note\n" + "".join(f"{row},é\n" for row in north)
    (tmp_path / "north.csv").write_bytes(text.encode("latin-1"))
    names = ["case", "gender", "age", "means", "registered", "country"]
    south = [(f"S{n}", "woman", str(n % 17), "debt;NA", f"2022-0{n % 9 + 1}-02", "PE") for n in range(200)]
    spark.createDataFrame(south, names).write.parquet(str(tmp_path / "south.parquet"))
    write_csv(tmp_path / "regions.csv", "iso,region\nDE,Europe\nPE,America\n")
    monkeypatch.chdir(tmp_path)
    out = str(tmp_path / "out")
    assert main(["run", str(ROOT / "conf" / "demo" / "partners.yml"), "--seed", "1", "--quiet", "--output", out]) == 0
    made = published(tmp_path / "out", "synthetic_records")
    assert {name: set(made[name].dropna()) for name in ("partner", "country")} == {
        "partner": {"north", "south"},
        "country": {"Europe", "America"},
    }
    assert "under 18" in set(made["age"].dropna())
    assert set(made["registered"].dropna()) <= {f"202{year}-Q{quarter}" for year in (1, 2) for quarter in (1, 2, 3, 4)}
    assert set(made["means"].dropna()) <= {"debt", "force", "debt;force"}
    assert made.loc[made["age"] == "under 18", "means"].isna().all()
    assert "case" not in made.columns
    wide = published(tmp_path / "out", "synthetic_indicators")
    assert [name for name in wide.columns if name.startswith("means")] == ["means_debt", "means_force"]
    assert wide["means_force"].notna().sum() == made["means"].fillna("").str.contains("force").sum() > 0
    assert wide["age"].fillna("").tolist() == made["age"].fillna("").tolist()
    (told,) = (tmp_path / "out.work").glob("*/input.md")
    assert "source 'north': 1 columns left out: 'Note'" in told.read_text()


def test_indicators_that_would_have_one_name(spark: SparkSession, tmp_path: Path) -> None:
    source = write_csv(tmp_path / "cases.csv", "a,A_X\n" + "x;y,1\n" * 20)
    settings = {"input__multi_values": {"a": ";"}, "output__indicators": True, "privacy__k": 5}
    with pytest.raises(PlanError, match="would give two columns the same name, one of them of 'A_X'"):
        release(spark, source, tmp_path / "out", **settings)


def test_inspect_finds_what_columns_hold(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        f"id{n},{n % 97},2021-{n % 12 + 1:02d}-{n % 28 + 1:02d},"
        f"{'a;b' if n % 3 else 'a'},{n % 2},{'rare' if n < 3 else 'x'}"
        for n in range(2_000)
    ]
    source = write_csv(tmp_path / "cases.csv", "case,age,day,kinds,flag,c\n" + "\n".join(rows) + "\n")
    assert (
        main(["inspect", "--input", str(source), "--output", str(tmp_path / "out"), "--quiet", "--run-id", "look"]) == 0
    )
    said = capsys.readouterr().out
    assert "of the records hold a combination" in said
    assert said.startswith("input: 1 file of CSV (not packed) with a header, encoding utf-8, delimiter ','")
    assert "\n    delimiter: ','\n" in said
    folder = tmp_path / "out.work" / "look"
    report = (folder / "inspect.md").read_text()
    assert "SENSITIVE" in report
    kinds = dict(line.split(" | ")[:2] for line in report.splitlines() if line.count(" | ") == 5)
    kinds = {name.removeprefix("| "): kind for name, kind in kinds.items()}
    assert kinds["case"] == "identifier"
    assert (kinds["age"], kinds["day"], kinds["kinds"]) == ("number", "date", "several values, ;")
    assert (kinds["flag"], kinds["c"]) == ("flag", "category")
    assert "most linkable attribute" in report
    proposed = yaml.safe_load((folder / "proposed.yml").read_text())["input"]
    assert proposed["columns"] == ["age", "day", "kinds", "flag", "c"]
    assert proposed["numbers"] == {"age": {"quantiles": 8}}
    assert proposed["multi_values"] == {"kinds": ";"}
    shutil.copy(folder / "proposed.yml", tmp_path / "plan.yml")
    plan = plans.load(str(tmp_path / "plan.yml"), {"output.path": str(tmp_path / "released")})
    run = work_until(api.start(spark, plan, Progress(quiet=True)), "synthesize")
    assert set(kept(run, tables.SYNTHETIC_RECORDS)["c"].dropna()) == {"x"}


@pytest.mark.takes("records of a whole data set, and counting by hand")
@pytest.mark.shared
def test_victims_and_perpetrators(spark: SparkSession, tmp_path: Path, shared: Path) -> None:
    """CTDC's table of several values a cell: every synthetic record is contained in k of its records."""
    several = ["IP_Gender", "IP_ageBroad", "IP_citizen_UNRegion", "IP_Relation", "IP_PayMoney"]
    source = shared / "data" / "ctdc_vp_synthetic.csv.gz"
    run = started(spark, source, tmp_path / "out", input__multi_values=dict.fromkeys(several, ";"), privacy__k=10)
    table = pd.read_csv(source, dtype=str, keep_default_na=False)
    made = kept(work_until(run, "synthesize"), tables.SYNTHETIC_RECORDS)[list(table.columns)].fillna("")

    def attributes(frame: pd.DataFrame) -> Counter[frozenset[str]]:
        split = [
            frame[name].map(
                lambda cell, name=name: [f"{name} {value}" for value in cell.split(";") if value not in ("", "0")]
            )
            if name in several
            else frame[name].map(lambda cell, name=name: [f"{name} {cell}"] if cell not in ("", "0") else [])
            for name in frame.columns
        ]
        return Counter(frozenset().union(*cells) for cells in zip(*split, strict=True))

    records, synthetic = attributes(table), attributes(made)
    holders: dict[str, set[int]] = {}
    for place, record in enumerate(records):
        for attribute in record:
            holders.setdefault(attribute, set()).add(place)
    weights = list(records.values())
    for record in synthetic:
        places = set.intersection(*(holders[attribute] for attribute in record)) if record else range(len(weights))
        assert sum(weights[place] for place in places) >= 10
    singles = {name: sum(weights[place] for place in places) for name, places in holders.items()}
    found = Counter()
    for record, copies in synthetic.items():
        found.update(dict.fromkeys(record, copies))
    assert dict(found) == {name: count // 10 * 10 for name, count in singles.items() if count >= 10}
