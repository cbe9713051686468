"""Structural rules that every record keeps, as a user declares them.

A rule only ever says which values must not meet. So a record that keeps it still does when values are taken away; every
synthetic record is a part of at least k records that keep all rules, and keeps them too.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from synth_spark.errors import InputError
from synth_spark.plan import Constraint
from synth_spark.read.counters import Counters, Remark
from synth_spark.schema.fields import Field

_BROKEN = "records that break it"
#: The remark on values that a rule speaks of and that do not occur: it is misspelt, or about nobody.
_NOWHERE = (
    "values that it names and no record holds (compare their spelling with the values that are left after reading)"
)


def breaks(rule: Constraint, fields: Sequence[Field], cells: Sequence[Column]) -> Column:
    """Whether a record breaks a rule; never null.

    Args:
        rule: the rule.
        fields: of the record.
        cells: strings, or lists of strings, one a field.
    """
    places = {field.name: index for index, field in enumerate(fields)}

    def holds(name: str, value: str) -> Column:
        return _holds(fields[places[name]], cells[places[name]], value)

    def strays(name: str, allowed: tuple[str, ...]) -> Column:
        index = places[name]
        if fields[index].many:
            stray = F.exists(cells[index], lambda value: ~value.isin(*allowed) if allowed else F.lit(True))
        else:
            stray = ~cells[index].isin(*allowed) if allowed else cells[index].isNotNull()
        return F.coalesce(stray, F.lit(False))

    if rule.forbid:
        return reduce(Column.__and__, [holds(name, value) for name, value in rule.forbid.items()])
    concerned = reduce(Column.__and__, [holds(name, value) for name, value in rule.when.items()])
    return concerned & reduce(Column.__or__, [strays(name, allowed) for name, allowed in rule.then.items()])


def _holds(field: Field, cell: Column, value: str) -> Column:
    """Whether a cell is a value, or holds it; never null."""
    return F.coalesce(F.array_contains(cell, value) if field.many else cell == value, F.lit(False))


def _absent(rule: Constraint, fields: Sequence[Field], cells: Sequence[Column]) -> Column:
    """How many of the values that a rule speaks of occur in none of the records, as an aggregate."""
    places = {field.name: index for index, field in enumerate(fields)}
    counts = [
        F.count(F.when(_holds(fields[places[name]], cells[places[name]], value), 1)) for name, value in rule.values
    ]
    return reduce(Column.__add__, [F.when(count == 0, 1).otherwise(0) for count in counts])


def kept(
    frame: DataFrame, fields: Sequence[Field], rules: Sequence[Constraint], on_violation: str, counters: Counters
) -> DataFrame:
    """Records that keep all rules, whatever becomes of those that break one; those are counted by rule.

    Args:
        frame: columns c0, c1, … in the order of ``fields``.
        fields: what the columns are.
        rules: the rules.
        on_violation: drop_values, drop_record or error (see `check`).
        counters: where violations are counted.
    """
    if not rules:
        return frame
    cells = [F.col(f"c{index}") for index in range(len(fields))]
    for number, rule in enumerate(rules):
        counters.add(f"input.constraints.{number}", _NOWHERE, _absent(rule, fields, cells))
        frame = frame.withColumn(f"broken{number}", breaks(rule, fields, cells))
        counters.when(f"input.constraints.{number}", f"{_BROKEN} ({on_violation})", F.col(f"broken{number}"))
    frame = counters.observe(frame)
    if on_violation == "drop_record":
        any_broken = reduce(Column.__or__, [F.col(f"broken{number}") for number in range(len(rules))])
        frame = frame.where(~any_broken)
    losing = {
        field.name: [F.col(f"broken{number}") for number, rule in enumerate(rules) if field.name in _losers(rule)]
        for field in fields
    }
    return frame.select(
        *(
            F.when(~reduce(Column.__or__, losing[field.name]), cell).alias(f"c{index}") if losing[field.name] else cell
            for index, (field, cell) in enumerate(zip(fields, cells, strict=True))
        )
    )


def check(remarks: Iterable[Remark]) -> None:
    """Raise `InputError` if records broke a rule and were to stop the run."""
    for remark in remarks:
        if remark.what == f"{_BROKEN} (error)":
            remedy = "mend them, or set input.on_violation to drop_values or drop_record"
            raise InputError(remark.subject, "is broken by {records} records", remedy, {"records": remark.count})


def _losers(rule: Constraint) -> tuple[str, ...]:
    """The columns whose values go where a rule is broken."""
    return tuple(rule.then) if rule.then else (list(rule.forbid)[-1],)
