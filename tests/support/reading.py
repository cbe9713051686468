"""What reading makes of an input: by the readers of tasks in this process, by Spark for many, by the preview."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synth_spark import read
from synth_spark.errors import InputError, PlanError, SynthSparkError
from synth_spark.plan import parse
from synth_spark.plan.sources.delimited import recognition
from synth_spark.plan.sources.delimited.fields import cut
from synth_spark.plan.sources.delimited.records import examine, records
from synth_spark.plan.sources.preview import Preview, look
from synth_spark.read.examination import Examination
from synth_spark.read.locations import Opened, open_table

Rows = list[tuple[Any, ...]]


@dataclass
class Answer:
    """What reading said: names and rows, or why it refused."""

    names: tuple[str, ...] = ()
    rows: Rows | None = None
    refusal: str = ""


def refused(error: SynthSparkError) -> Answer:
    """A refusal, which is one line of an error that people can mend."""
    said = error.whole()
    assert isinstance(error, InputError | PlanError), said
    assert "\n" not in said
    assert "\r" not in said
    return Answer(refusal=said)


def by_tasks(settings: dict[str, Any], chunk: int) -> Answer:
    """A CSV as tasks read it, without Spark; its whole files are examined as those that Spark reads are."""
    try:
        source = recognition.recognised(parse({"input": settings}).input)
        read.check_header(source.names)
        rows: Rows = []
        for file in source.files:
            examine(file, source.dialect)
            folders = tuple(value for _, value in file.partitions)
            own = [file.header.index(name) for name in source.names if name in file.header]
            for batch in records(file, source.dialect, len(file.header), chunk):
                for record in batch.to_pylist():
                    row = cut(record, source.dialect)
                    rows.append((*(row[place] for place in own), *folders))
    except SynthSparkError as error:
        return refused(error)
    return Answer(source.names, rows)


def ways(settings: dict[str, Any]) -> set[str]:
    """Which readers read the files of a CSV: Spark's, those of tasks."""
    source = recognition.recognised(parse({"input": settings}).input)
    return {"spark" if file.by_spark(source.dialect) else "tasks" for file in source.files}


def previewed(settings: dict[str, Any]) -> Preview | Answer | None:
    """The look at an input before a run."""
    try:
        return look(parse({"input": settings}))
    except SynthSparkError as error:
        return refused(error)


def by_spark(spark: SparkSession, inputs: Sequence[dict[str, Any]]) -> list[Answer]:
    """Inputs as a run reads them, all in one job; where that fails, each in one of its own."""
    answers: list[Answer] = []
    frames: list[DataFrame] = []
    found: list[Opened] = []
    for number, settings in enumerate(inputs):
        try:
            opened = open_table(spark, parse({"input": settings}).input)
            Examination(opened.files).check()
        except SynthSparkError as error:
            answers.append(refused(error))
            continue
        found.append(opened)
        answers.append(Answer(opened.names, []))
        texts = [F.col(name).cast("string") for name in opened.frame.columns]
        frames.append(opened.frame.select(F.lit(number).alias("number"), F.array(*texts).alias("texts")))
    try:
        for number, texts in reduce(DataFrame.unionAll, frames).collect() if frames else ():
            answers[number].rows.append(tuple(texts))
    except Exception as error:
        if len(inputs) == 1:
            return [_explained(error, found[0])]
        return [by_spark(spark, [settings])[0] for settings in inputs]
    return answers


def _explained(error: Exception, opened: Opened) -> Answer:
    explained = read.explain_failure(error, Examination(opened.files))
    if explained is None:
        raise error
    return refused(explained)
