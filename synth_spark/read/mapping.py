"""Several organisations' tables become one: their column names and codes are mapped, what does not map is counted.

As counter-trafficking partners do who each keep case files of their own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from synth_spark.errors import InputError, PlanError
from synth_spark.plan import Input, Source, listed, mapped_columns, renamed_columns
from synth_spark.plan.sources.header import BLANKS, check_header
from synth_spark.read.counters import Counters, Remark
from synth_spark.read.locations import Opened, nothing_of, open_table
from synth_spark.read.unreadable import CODES, NO_GROUP, UNKNOWN
from synth_spark.schema.fields import literal_pattern
from synth_spark.storage.inventory import Addition

#: The name of a row's source, beside the columns.
ORIGIN = "origin"


def open_all(
    spark: SparkSession, source: Input, counters: Counters, only: Mapping[str, Addition] | None = None
) -> Opened:
    """Open the one table of an input under its new names, or all sources as one table.

    Args:
        spark: the session.
        source: the input part of the plan.
        counters: where codes that are not known are counted.
        only: if given, the rows that are read of each source; of those that are not named, none.

    Returns:
        The table; with sources, its frame has the column ``origin`` last, the name of each row's source.

    Raises:
        PlanError: a name is not a column; sources do not agree.
        InputError: a table is not usable, or a source holds codes that it must not.
    """
    if not source.sources:
        return _renamed(open_table(spark, source, only=None if only is None else only[""]), source.rename)
    if source.path or source.table or source.sql:
        raise PlanError("input", "has both sources and a table of its own", "move the table under input.sources")
    opened = {name: _mapped(spark, name, part, counters, only) for name, part in source.sources.items()}
    names = tuple(dict.fromkeys(name for table in opened.values() for name in table.names))
    check_header(names, "input.sources")
    lists = frozenset().union(*(table.lists for table in opened.values()))
    split = {name: source.multi_values.get(name) for name in lists}
    for name, delimiter in split.items():
        if delimiter is None and any(name in table.names and name not in table.lists for table in opened.values()):
            remedy = f"make it the same in all of them, or give what separates its values as input.multi_values.{name}"
            raise PlanError(f"column '{name}'", "is a list in one source and text in another", remedy)
    frames = [_laid_out(table, names, split).withColumn(ORIGIN, F.lit(part)) for part, table in opened.items()]
    whole = frames[0]
    for frame in frames[1:]:
        whole = whole.unionAll(frame)
    booleans = frozenset().union(*(table.booleans for table in opened.values()))
    types = frozenset().union(*(table.types for table in opened.values()))
    undivided = any(table.undivided for table in opened.values())
    files = tuple(file for table in opened.values() for file in table.files)
    told = tuple(line for table in opened.values() for line in table.told)
    looks = tuple(look for table in opened.values() for look in table.looks)
    return Opened(names, whole, lists, booleans, types, undivided, files, told, looks)


def in_turn(frame: DataFrame, most: int) -> DataFrame:
    """So many rows: the first of every source, then the second of every source, and so on."""
    placed = frame.withColumn("place", F.monotonically_increasing_id())
    ranked = placed.withColumn("turn", F.row_number().over(Window.partitionBy(ORIGIN).orderBy("place")))
    return ranked.where(F.col("turn") <= most).orderBy("turn", ORIGIN).limit(most).drop("place", "turn")


def _renamed(opened: Opened, rename: dict[str, str]) -> Opened:
    names = tuple(renamed_columns(opened.names, rename))
    check_header(names)
    lists = frozenset(rename.get(name, name) for name in opened.lists)
    booleans = frozenset(rename.get(name, name) for name in opened.booleans)
    return replace(opened, names=names, lists=lists, booleans=booleans)


def _mapped(
    spark: SparkSession, name: str, source: Source, counters: Counters, only: Mapping[str, Addition] | None
) -> Opened:
    """One source with the release's names and values."""
    where = f"input.sources.{name}"
    part = None if only is None else only.get(name)
    opened = open_table(spark, source, where, part)
    if only is not None and part is None:
        opened = nothing_of(spark, opened)
    chosen = mapped_columns(opened.names, source, where)
    left_out = [theirs for theirs in opened.names if theirs not in chosen]
    if left_out:
        counters.add(f"source '{name}'", f"columns left out: {listed(left_out)}", F.lit(len(left_out)))
    names = tuple(chosen.values())
    check_header(names, where)
    places = {theirs: index for index, theirs in enumerate(opened.names)}
    columns = []
    for index, (theirs, ours) in enumerate(chosen.items()):
        raw = F.col(f"raw{places[theirs]}")
        columns.append(_translated(raw, ours, name, source, theirs in opened.lists, counters).alias(f"raw{index}"))
    frame = counters.observe(opened.frame).select(*columns)
    lists = frozenset(chosen[theirs] for theirs in opened.lists if theirs in chosen)
    booleans = frozenset(chosen[theirs] for theirs in opened.booleans if theirs in chosen)
    return replace(opened, names=names, frame=frame, lists=lists, booleans=booleans)


def _translated(raw: Column, ours: str, name: str, source: Source, is_list: bool, counters: Counters) -> Column:
    """A column's codes as values; codes that are not known are counted."""
    codes = source.values.get(ours)
    if not codes:
        return raw
    if is_list:
        raise PlanError(f"input.sources.{name}.values", f"maps '{ours}', which is a list", "use input.groups instead")
    code = F.trim(raw, F.lit(BLANKS))
    translations = F.create_map(*(F.lit(text) for pair in codes.items() for text in pair))
    value = F.try_element_at(translations, code)
    unknown = (code != "") & value.isNull()
    subject = f"source '{name}', column '{ours}'"
    counters.when(subject, f"{UNKNOWN} ({source.others})", unknown)
    if source.others == "absent":
        counters.when(subject, CODES.asked, code != "")
    return F.when(unknown, raw).otherwise(value) if source.others == "keep" else value


def check(remarks: Iterable[Remark]) -> None:
    """Raise `InputError` where a source or a hierarchy that must know every code does not."""
    for remark in remarks:
        if remark.what in (f"{UNKNOWN} (error)", f"{NO_GROUP} (error)"):
            problem = f"holds {{cells}} {remark.what.removesuffix(' (error)')}"
            remedy = "complete the map, or set its `others` to keep or absent"
            raise InputError(remark.subject, problem, remedy, {"cells": remark.count})


def _laid_out(opened: Opened, names: tuple[str, ...], lists: Mapping[str, str | None]) -> DataFrame:
    """A source with all columns of the release, null where it has none; lists wherever one source has lists.

    Args:
        opened: the source.
        names: of the columns.
        lists: columns that are lists → what separates the values of a text, where a source has texts.
    """
    places = {name: index for index, name in enumerate(opened.names)}
    columns = []
    for index, name in enumerate(names):
        cell = F.col(f"raw{places[name]}") if name in places else F.lit(None)
        if name in lists and name in places and name not in opened.lists:
            cell = F.transform(
                F.split(cell, literal_pattern(str(lists[name]))), lambda text: F.trim(text, F.lit(BLANKS))
            )
        kind = "array<string>" if name in lists else "string"
        columns.append((cell if name in places else cell.cast(kind)).alias(f"raw{index}"))
    return opened.frame.select(*columns)
