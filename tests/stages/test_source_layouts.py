"""Random tables in random layouts, and damaged files: each is read as it is meant, or refused in one line.

A layout or a mutant is a function of its number, which a failure tells. `make layouts` draws more of them.
"""

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import reading
from layouts import Layout, laid_out
from mutants import MARK, Mutant, compared, mutant
from pyspark.sql import SparkSession

#: How many are drawn; every fourth layout goes through Spark, too, and some of the mutants.
LAYOUTS, MUTANTS = int(os.environ.get("LAYOUTS", "200")), int(os.environ.get("MUTANTS", "200"))
#: Layouts that Spark reads in one job.
TOGETHER = 25


def folder(tmp_path: Path, number: int | str) -> Path:
    made = tmp_path / str(number)
    made.mkdir()
    return made


def verdict(layout: Layout, answer: reading.Answer) -> str:
    """What is wrong with what reading said; nothing if it is right."""
    if answer.rows is None:
        right = any(part in answer.refusal for part in layout.refusals)
        return "" if right else f"refused: {answer.refusal}"
    if answer.names != layout.names:
        return f"names {answer.names}, not {layout.names}"
    found, wanted = layout.shown(answer.rows), layout.shown(layout.rows)
    odd = list((Counter(found) - Counter(wanted)) or (Counter(wanted) - Counter(found)))[:2]
    return "" if found == wanted else f"{len(found)} rows, not {len(wanted)}, among them {odd}"


def looked_wrong(layout: Layout, is_read: bool) -> str:
    """In what the preview of a layout differs from its records; nothing if it agrees."""
    shape = reading.previewed(layout.settings)
    if shape is None:
        return ""
    if isinstance(shape, reading.Answer):
        return f"looked at and refused: {shape.refusal}" if is_read else ""
    sample = [[row[place] for place in shape.places] for row in shape.sample]
    if shape.names != layout.names:
        return f"looked at: names {shape.names}"
    more = Counter(layout.shown(sample)) - Counter(layout.shown(layout.rows))
    whole = len(layout.paths) > 1 or layout.paths[0].is_dir() or len(sample) >= len(layout.shown(layout.rows))
    return "" if whole and not more else f"looked at: {list(more)[:2]}"


@pytest.mark.takes("two hundred layouts")
def test_layouts_are_cut_alike_by_tasks_and_by_a_look_at_them(tmp_path: Path) -> None:
    """In pieces of every size, as no Spark is needed for that."""
    wrong, read, ways = {}, 0, set()
    for number in range(LAYOUTS):
        layout = laid_out(number, folder(tmp_path, number))
        if layout.keys["format"] == "csv":
            answer = reading.by_tasks(layout.settings, (7, 64, 1 << 22)[number % 3])
            said = verdict(layout, answer) or looked_wrong(layout, answer.rows is not None)
            ways |= reading.ways(layout.settings) if answer.rows is not None else set()
            read += answer.rows is not None
        else:
            said = looked_wrong(layout, is_read=not layout.refusals)
            read += 1
        if said:
            wrong[number] = f"{said} ({layout.how})"
    assert wrong == {}
    assert read > 0.8 * LAYOUTS
    assert ways == {"spark", "tasks"}


@pytest.mark.takes("fifty layouts, in two jobs")
def test_layouts_are_read_by_spark(spark: SparkSession, tmp_path: Path) -> None:
    """By Spark's own reader and by that of tasks, and Parquet by Spark's."""

    def written(names: tuple[str, ...], rows: list[tuple[str, ...]], options: dict[str, Any], path: str) -> None:
        columns = [pa.array(list(texts), pa.string()) for texts in zip(*rows, strict=True)]
        table = pa.table(columns, names=[f"n{place}" for place in range(len(names))])
        spark.createDataFrame(table).toDF(*names).coalesce(1).write.options(**options).csv(path)

    wrong, ways = {}, Counter()
    numbers = list(range(0, LAYOUTS, 4))
    for start in range(0, len(numbers), TOGETHER):
        made = [
            laid_out(number, folder(tmp_path, number), written if number % 3 == 0 else None)
            for number in numbers[start : start + TOGETHER]
        ]
        for layout, answer in zip(made, reading.by_spark(spark, [one.settings for one in made]), strict=True):
            said = verdict(layout, answer)
            if said:
                wrong[layout.number] = f"{said} ({layout.how})"
            if answer.rows is not None:
                csv = layout.keys["format"] == "csv"
                ways.update(reading.ways(layout.settings) if csv else {"parquet"})
    assert wrong == {}
    assert ways.keys() == {"spark", "tasks", "parquet"}


def misread(made: Mutant, chunk: int) -> str:
    """What is wrong with what is made of a damaged file without Spark; nothing if it is right."""
    shape = reading.previewed(made.settings)
    said = shape.refusal if isinstance(shape, reading.Answer) else ""
    if made.keys["format"] == "parquet":
        others = made.others()
        sample = [] if shape is None or isinstance(shape, reading.Answer) else [tuple(row) for row in shape.sample]
        right = said != "" or others is None or sample == others
    else:
        answer = reading.by_tasks(made.settings, chunk)
        said += answer.refusal
        right = answer.rows is None or right_rows(answer, made.others())
        if answer.rows and (shape is None or isinstance(shape, reading.Answer) or shape.names != answer.names):
            return f"looked at: {shape}"
    if MARK in said:
        return f"a value in a message: {said}"
    return "" if right else "rows that no other reader finds"


def right_rows(answer: reading.Answer, others: list[tuple[str, ...]] | None) -> bool:
    """Whether another reader finds the same names and rows."""
    found = [compared(answer.names), *map(compared, answer.rows or [])]
    return others is not None and [*map(compared, others)] == found


@pytest.mark.takes("two hundred damaged files")
def test_damaged_files_are_read_as_others_read_them_or_refused(tmp_path: Path) -> None:
    wrong = {}
    for number in range(MUTANTS):
        made = mutant(number, folder(tmp_path, number))
        said = misread(made, (7, 64, 1 << 22)[number % 3])
        if said:
            wrong[number] = f"{said} ({made.kind})"
    assert wrong == {}


@pytest.mark.takes("two hundred damaged files, in two jobs")
def test_damaged_files_are_read_or_refused_in_tasks(spark: SparkSession, tmp_path: Path) -> None:
    """Every CSV among them goes through what a run does in its tasks, beside each other, on both ways."""
    made = {number: mutant(number, folder(tmp_path, f"number={number}")) for number in range(MUTANTS)}
    made = {number: one for number, one in made.items() if one.keys["format"] == "csv"}
    answers, ways = reading.in_tasks(spark, {number: one.settings for number, one in made.items()})
    assert answers.keys() == made.keys()
    wrong = {}
    for number, one in made.items():
        answer, alone = answers[number], reading.by_tasks(one.settings, 1 << 22)
        if MARK in answer.refusal:
            wrong[number] = f"a value in a message: {answer.refusal} ({one.kind})"
        elif (answer.rows is None) != (alone.rows is None) or filled(answer.rows or []) != filled(alone.rows or []):
            wrong[number] = f"{answer.refusal or 'rows'}, alone {alone.refusal or 'rows'} ({one.kind})"
    assert wrong == {}
    assert set(ways.values()) == {"spark", "tasks"} or MUTANTS < 1_000


@pytest.mark.takes("a dozen damaged files, those that are refused in jobs of their own")
def test_damaged_files_are_read_or_refused_by_spark(spark: SparkSession, tmp_path: Path) -> None:
    made = [mutant(number, folder(tmp_path, number)) for number in range(0, MUTANTS, 10)]
    alone = [reading.by_tasks(one.settings, 1 << 22) for one in made if one.keys["format"] == "csv"]
    texts = [one for one in made if one.keys["format"] == "csv"]
    readable = [place for place, answer in enumerate(alone) if answer.rows is not None]
    said = dict(zip(readable, reading.by_spark(spark, [texts[place].settings for place in readable]), strict=True))
    for place in [place for place in range(len(texts)) if place not in readable][::3]:
        (said[place],) = reading.by_spark(spark, [texts[place].settings])
    pairs = [(texts[place], answer, alone[place].rows) for place, answer in said.items()]
    for one in [one for one in made if one.keys["format"] == "parquet"][::2]:
        (answer,) = reading.by_spark(spark, [one.settings])
        pairs.append((one, answer, answer.rows and (one.others() or answer.rows)))
    for one, answer, wanted in pairs:
        assert MARK not in answer.refusal, one.kind
        assert (answer.rows is None) == (wanted is None), one.kind
        assert filled(answer.rows or []) == filled(wanted or []), one.kind


def filled(rows: Iterable[Iterable[str | None]]) -> list[tuple[str, ...]]:
    """Rows in order, with an empty text for no value."""
    return sorted(tuple(text or "" for text in row) for row in rows)
