"""A release beside earlier ones: whether its counts follow theirs in steps, and what is lowered so that they do.

It takes the run folder of the last release, which tells of each combination the exact count when what is published of
it last changed. Where that is gone, or the plan is another one, counts are those of this release alone; then, too, what
all of them tell together is looked at (`pipeline.assessment`), and can hold it. See `docs/series.md`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame

from synth_spark import aggregate
from synth_spark.assess.differencing import NO_COLUMNS, Published
from synth_spark.errors import RunError
from synth_spark.kernels.arrow_codec import unpack_ints
from synth_spark.pipeline.incremental import other_key
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.series.earlier_releases import earlier_releases, run_of
from synth_spark.schema import tables
from synth_spark.schema.fields import escaped

_KEY = "privacy.stepwise"
_REMEDY = "keep the last release's run folder, and its plan; or set privacy.stepwise: false"


class Series(NamedTuple):
    """What a release follows.

    Attributes:
        last: the run of the last release.
        releases: all earlier releases with the same k, R and columns, the last one last.
    """

    last: Run
    releases: tuple[Published, ...]


def lowered_beside(run: Run) -> DataFrame | None:
    """Choose what is published of each combination beside earlier releases, and keep what the next one asks for.

    Args:
        run: the run, whose exact counts are kept.

    Returns:
        As `aggregate.lowered_counts`; None where counts are those of this release alone.

    Raises:
        RunError: the plan asks for steps, and there is a release that cannot be followed.
    """
    run.note_step(None)
    series = _series(run)
    if series is None:
        return None
    resolved, k, now = run.resolved, run.resolved.k, _side(run, tables.COUNTS, run.records)
    anchors, last = _anchors(series.last), series.releases[-1]
    shared = aggregate.shared_numbering(run.domain, k, resolved.length, _singles(series.releases))
    releases = [aggregate.Release(one.records, one.aggregates) for one in series.releases]
    stepped = run.keep(tables.STEPPED, aggregate.stepped(now, anchors, releases, shared, k, resolved.length)).frame
    number = stepped.where(f"kind = '{aggregate.RECORDS}'").toArrow()  # one row: the number of records
    records = int(unpack_ints(number["counts"][0])[0])
    if records < 0:
        _not_followed(run, last, "so much would have to be left out that little would remain")
        return None
    moved = stepped.where(f"kind = '{aggregate.MOVED}'")
    run.keep(tables.ANCHORS, aggregate.anchors_after(anchors, run.domain, resolved.length, moved))
    step = {
        "after": last.run_id,
        "lowered_records": run.records // k * k - records,
        "anchor_records": anchors.records if records == last.records else run.records,
    }
    run.note_step(step)
    run.progress.say(f"counts follow those of {last.run_id} in steps of at least {k} records")
    return stepped.where(f"kind = '{aggregate.LOWERED}'").select("bucket", "cells", "counts")


def _series(run: Run) -> Series | None:
    if run.plan.privacy.stepwise is False:
        return None
    earlier = earlier_releases(run).published
    if not earlier:
        return None
    last = run_of(run, earlier[-1].run_id)
    problem = _obstacle(run, last, earlier[-1])
    if problem is None and last is not None:
        return Series(last, tuple(one for one in earlier if _alike(run, one)))
    _not_followed(run, earlier[-1], str(problem))
    return None


def _not_followed(run: Run, release: Published, problem: str) -> None:
    if run.plan.privacy.stepwise:
        raise RunError(_KEY, f"cannot follow release {release.run_id}: {problem}", _REMEDY)
    run.progress.say(f"counts do not follow those of {release.run_id} in steps: {problem}")


def _obstacle(run: Run, last: Run | None, release: Published) -> str | None:
    """Why the last release cannot be followed, if it cannot."""
    if last is None:
        return "its run folder is not beside that of this run, or was purged"
    other = other_key(run.plan, last.plan)
    if other is not None:
        return f"its plan has another {other}"
    if not _alike(run, release):
        return "it has other columns"
    if run.resolved.prunes or last.resolved.prunes:
        return "there are so many combinations that rare ones are not counted"
    if run.resolved.combinations > aggregate.MOST_ALONE:
        return "there are more combinations than one task can look at"
    return None


def _alike(run: Run, release: Published) -> bool:
    """Whether a release has the k, R and columns of this one."""
    types = dict(release.aggregates.dtypes)
    same = (release.k, release.longest) == (run.resolved.k, run.resolved.length)
    published = set(release.aggregates.columns) - NO_COLUMNS
    return same and published == set(run.domain.names) and all(types[one.name] == one.type for one in run.fields)


def _side(run: Run, table: tables.Table, records: int) -> aggregate.Side:
    return aggregate.Side(records, run.kept(table).frame, run.domain, _rare(run))


def _anchors(last: Run) -> aggregate.Side:
    """Exact counts when what is published of them last changed: of a release that followed none, its own."""
    step: dict[str, Any] | None = last.store.facts.get("step")
    if step is None:
        return _side(last, tables.COUNTS, last.records)
    return _side(last, tables.ANCHORS, step["anchor_records"])


def _rare(run: Run) -> dict[str, int]:
    """Values of fields with several that have no column, and how many records hold them."""
    columned = {(column.name, value) for column in run.domain.columns for value in column.values}
    rare = {}
    for row in _many(run).to_pylist():
        name = run.fields[row["column"]].name
        if (name, row["value"]) not in columned:
            rare[f"{escaped(name)}:{escaped(row['value'])}"] = row["count"]
    return rare


def _many(run: Run) -> pa.Table:
    """Marginals of the fields with several values a record."""
    many = [index for index, field in enumerate(run.fields) if field.many]
    columns = run.marginals["column"].to_numpy()
    return run.marginals.filter(pa.array([column in many for column in columns], pa.bool_()))


def _singles(releases: Sequence[Published]) -> list[str]:
    """Texts of the attributes that releases published."""
    found: set[str] = set()
    for release in releases:
        found.update(release.aggregates.where("length = 1").select("selections").toArrow()["selections"].to_pylist())
    return sorted(found)
