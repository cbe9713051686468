"""Faults planted into written tables: each stops the release, under the name of the rule it breaks."""

from collections.abc import Callable

import pytest
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from synth_spark import demo, synthesize, validate
from synth_spark import plan as plans
from synth_spark.errors import AuditFailed
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.schema import tables

K = 5
COLUMNS = ["yearOfRegistration", "gender", "ageBroad", "citizenship"]


@pytest.fixture(scope="module")
def run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run before its audit."""
    folder = tmp_path_factory.mktemp("planted")
    demo.write_csv(spark, folder / "cases.csv", 400, seed=2)
    keys = {"input.path": str(folder / "cases.csv"), "output.path": str(folder / "out"), "privacy.k": K}
    plan = plans.load(None, {**keys, "input.columns": COLUMNS, "seed": 1})
    run = api.start(spark, plan, Progress(quiet=True))
    for name in ("read", "encode", "aggregate", "synthesize"):
        api.work(run, name)
    return run


def never_together(run: Run) -> tuple[str, str]:
    """A citizenship and a year that are both frequent but occur together in no record."""
    records = run.kept(tables.RECORDS).frame.toPandas()
    years, countries = records["c0"].value_counts(), records["c3"].value_counts()
    seen = set(zip(records["c0"], records["c3"], strict=True))
    return next(
        (year, country)
        for year in years.index[years >= K]
        for country in countries.index[countries >= K]
        if (year, country) not in seen
    )


def rare_record(frame: DataFrame, run: Run) -> DataFrame:
    """One more record: the whole record of a single person."""
    unique = run.kept(tables.RECORDS).frame.groupBy("c0", "c1", "c2", "c3").count().where("count = 1").drop("count")
    return frame.union(unique.dropna().limit(1))


def fabricated_pair(frame: DataFrame, run: Run) -> DataFrame:
    """Two values of one record changed to a pair that nobody has."""
    year, country = never_together(run)
    row = frame.sparkSession.createDataFrame([(year, None, None, country)], frame.schema)
    return frame.union(row)


def off_by_one(frame: DataFrame, run: Run) -> DataFrame:
    return frame.withColumn("protected_count", F.col("protected_count") + F.when(F.col("length") == 2, 1).otherwise(0))


def too_small(frame: DataFrame, run: Run) -> DataFrame:
    return frame.withColumn("protected_count", F.when(F.col("length") == 3, 0).otherwise(F.col("protected_count")))


def missing_column(frame: DataFrame, run: Run) -> DataFrame:
    return frame.withColumnRenamed("gender", "sex")


def dropped_column(frame: DataFrame, run: Run) -> DataFrame:
    return frame.drop("gender")


def twice(frame: DataFrame, run: Run) -> DataFrame:
    return frame.union(frame.where("length = 2"))


def lost_record(frame: DataFrame, run: Run) -> DataFrame:
    return frame.limit(frame.count() - 1)


def not_separated(frame: DataFrame, run: Run) -> DataFrame:
    """Records as they grew, with what they prove beside the counts."""
    numbers = run.growth_seed, run.store.order_key, run.lowered_singles
    return synthesize.synthetic_records(run.kept(tables.GROWN).frame, run.domain, run.resolved, *numbers)


def decoded_otherwise(frame: DataFrame, run: Run) -> DataFrame:
    """Combinations in which two values of a column were taken for each other, in the column and in the text."""
    (one, _), (other, _) = run.kept(tables.RECORDS).frame.toPandas()["c1"].value_counts().items()
    long = F.col("length") > 1
    swapped = F.when(F.col("gender") == one, other).when(F.col("gender") == other, one)
    swapped = F.when(long, swapped).otherwise(F.col("gender"))
    text = F.col("selections")
    for before, after in ((f"gender:{one}", "\0"), (f"gender:{other}", f"gender:{one}"), ("\0", f"gender:{other}")):
        text = F.replace(text, F.lit(before), F.lit(after))
    return frame.withColumns({"gender": swapped, "selections": F.when(long, text).otherwise(F.col("selections"))})


def one_more_k(frame: DataFrame, run: Run) -> DataFrame:
    chosen = F.col("selections") == frame.where("length = 2").agg(F.min("selections")).first()[0]  # type: ignore[index]
    return frame.withColumn("protected_count", F.col("protected_count") + F.when(chosen, K).otherwise(0))


def one_less_k(frame: DataFrame, run: Run) -> DataFrame:
    larger = F.col("length").isin(2, 3) & (F.col("protected_count") > K)
    return frame.withColumn("protected_count", F.col("protected_count") - F.when(larger, K).otherwise(0))


def lost_combination(frame: DataFrame, run: Run) -> DataFrame:
    return frame.where(F.col("selections") != frame.where("length = 3").agg(F.max("selections")).first()[0])  # type: ignore[index]


def other_text(frame: DataFrame, run: Run) -> DataFrame:
    return frame.withColumn("selections", F.concat("selections", F.when(F.col("length") == 3, "?").otherwise("")))


def other_length(frame: DataFrame, run: Run) -> DataFrame:
    return frame.withColumn("length", F.when(F.col("length") == 3, 2).otherwise(F.col("length")).cast("int"))


def audited(run: Run) -> None:
    for name in ("evaluate", "assess", "validate"):
        api.work(run, name)


@pytest.mark.parametrize(
    ("table", "fault", "rule"),
    [
        (tables.SYNTHETIC_RECORDS, rare_record, "proof.support"),
        (tables.SYNTHETIC_RECORDS, rare_record, "combinations.no_leakage"),
        (tables.SYNTHETIC_RECORDS, fabricated_pair, "combinations.no_fabrication"),
        (tables.SYNTHETIC_RECORDS, lost_record, "single_counts.exact"),
        (tables.SYNTHETIC_RECORDS, not_separated, "joint_bounds.records_prove_nothing"),
        (tables.AGGREGATES, off_by_one, "aggregates.multiple_of_k"),
        (tables.AGGREGATES, too_small, "aggregates.at_least_k"),
        (tables.AGGREGATES, missing_column, "columns.schema"),
        (tables.AGGREGATES, dropped_column, "columns.schema"),
        (tables.SYNTHETIC_RECORDS, missing_column, "columns.schema"),
        (tables.SYNTHETIC_RECORDS, dropped_column, "columns.schema"),
        (tables.AGGREGATES, twice, "aggregates.unique"),
        (tables.AGGREGATES, decoded_otherwise, "recount.exact"),
        (tables.AGGREGATES, one_more_k, "recount.no_more"),
        (tables.AGGREGATES, one_less_k, "recount.exact"),
        (tables.AGGREGATES, lost_combination, "recount.complete"),
        (tables.AGGREGATES, other_text, "recount.selections"),
        (tables.AGGREGATES, other_length, "recount.length"),
    ],
)
def test_a_fault_stops_the_release(
    run: Run, table: tables.Table, fault: Callable[[DataFrame, Run], DataFrame], rule: str
) -> None:
    sound = run.kept(table).frame.localCheckpoint()
    try:
        run.keep(table, fault(sound, run).localCheckpoint())
        with pytest.raises(AuditFailed, match=rule):
            audited(run)  # the message names every rule that is broken
        assert not run.store.done("validate")
    finally:
        run.keep(table, sound)


def half(proof: DataFrame) -> DataFrame:
    return proof.limit(proof.count() // 2)


def another_record(proof: DataFrame) -> DataFrame:
    """As many records as were written, one of which nobody wrote."""
    record = F.max(F.col("record")).over(Window.partitionBy())
    return proof.withColumn(
        "record", F.when(F.col("record") == record, F.unhex(F.lit("00"))).otherwise(F.col("record"))
    )


def one_twice(proof: DataFrame) -> DataFrame:
    return proof.union(proof.limit(1))


@pytest.mark.parametrize("fault", [half, another_record, one_twice])
def test_a_proof_of_other_records_stops_the_release(
    run: Run, monkeypatch: pytest.MonkeyPatch, fault: Callable[[DataFrame], DataFrame]
) -> None:
    sound = validate.proof
    monkeypatch.setattr(validate, "proof", lambda *given: fault(sound(*given).localCheckpoint()))
    with pytest.raises(AuditFailed, match=r"proof\.complete"):
        api.work(run, "validate")


def test_a_value_that_the_proof_does_not_know_has_no_support(run: Run) -> None:
    """As if the dictionary, which others make, lacked one: it is not taken for absent."""
    synthetic, records = run.kept(tables.SYNTHETIC_RECORDS), run.kept(tables.RECORDS).frame
    values = [records.select(name).distinct().dropna().toPandas()[name].tolist() for name in records.columns]
    supports = validate.proof(records, synthetic.frame, run.fields, values, K, validate.cuts(400, 400))
    assert supports.agg(F.min("support")).first()[0] == K  # type: ignore[index]
    values[1].pop()
    supports = validate.proof(records, synthetic.frame, run.fields, values, K, validate.cuts(400, 400))
    assert supports.agg(F.min("support")).first()[0] == 0  # type: ignore[index]


def test_the_sound_tables_pass(run: Run) -> None:
    audited(run)
    assert run.store.done("validate")
