"""What reading makes of an input: by the readers of tasks in this process, by Spark for many, by the preview."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import pyarrow as pa
from pyspark import cloudpickle
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from synth_spark import read
from synth_spark.errors import InputError, PlanError, SynthSparkError
from synth_spark.plan import parse
from synth_spark.plan.sources.delimited import recognition
from synth_spark.plan.sources.delimited.fields import cut
from synth_spark.plan.sources.delimited.records import examine, records
from synth_spark.plan.sources.layout import Csv
from synth_spark.plan.sources.preview import Preview, look
from synth_spark.read import file_frames
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


def in_tasks(spark: SparkSession, inputs: Mapping[int, dict[str, Any]]) -> tuple[dict[int, Answer], dict[int, str]]:
    """CSV files, of one path each, as the tasks of a run read them, all in two jobs; and the way of each that is read.

    In the first job the function of a task reads each file by itself, and refuses it by itself; a file that is Spark's
    to read is examined instead. In the second one files that were not refused are read by frames of many files each.

    Args:
        spark: the session.
        inputs: the part ``input`` of a plan by a number, of a file in a folder ``number=…``.
    """
    answers: dict[int, Answer] = {}
    sources: dict[int, Csv] = {}
    for number, settings in inputs.items():
        try:
            found = recognition.recognised(parse({"input": settings}).input)
            read.check_header(found.names)
            sources[number] = found
        except SynthSparkError as error:
            answers[number] = refused(error)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # which workers cannot import
    looked = spark.range(0, len(sources), 1, 4).mapInArrow(_trying(list(sources.items())), "number long, said string")
    answers |= {number: Answer(refusal=said) for number, said in looked.where("said != ''").collect()}
    groups: dict[Any, Csv] = {}
    ways = {}
    for number, source in sources.items():
        if number in answers:
            continue
        (file,) = source.files
        names = tuple(f"n{place}" for place in range(len(file.header)))
        file = replace(file, header=names, partitions=(("number", str(number)),))
        group = Csv((*names, "number"), source.dialect, ())
        group = groups.get((group.names, source.dialect), group)
        groups[group.names, source.dialect] = replace(group, files=(*group.files, file))
        answers[number] = Answer(source.names, [])
        ways[number] = "spark" if file.by_spark(source.dialect) else "tasks"
    frames = [file_frames.csv_frame(spark, group) for group in groups.values()]
    for row in reduce(DataFrame.unionAll, [frame.select(F.array("*").alias("texts")) for frame in frames]).collect():
        *texts, number = row["texts"]
        answers[int(number)].rows.append(tuple(texts))
    return answers, ways


def _trying(sources: list[tuple[int, Csv]]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """What a task does: places in a list of files → their numbers, and why each was refused; an empty text if not."""

    def tried(source: Csv) -> str:
        (file,) = source.files
        place = pa.RecordBatch.from_arrays([pa.array([0])], names=["id"])
        try:
            if file.by_spark(source.dialect):
                examine(file, source.dialect)
            else:
                for _ in file_frames.reading((file,), source.dialect, ("record",))(iter([place])):
                    pass
            examine(file, source.dialect, len(file.header))  # what a failure of the second job would be explained by
        except SynthSparkError as error:
            return refused(error).refusal
        return ""

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            some = [sources[place] for place in batch.column(0).to_pylist()]
            said = [[number for number, _ in some], [tried(source) for _, source in some]]
            yield pa.RecordBatch.from_arrays(
                [pa.array(said[0], pa.int64()), pa.array(said[1], pa.string())], ["number", "said"]
            )

    return work


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
