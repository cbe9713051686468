"""Two published releases side by side: what changed, and what both together give away. From published tables alone.

The definitions are those of `evaluate.differencing`, which looks at an earlier release before one is published; here
both are, and no Spark is needed where they are Parquet.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synth_spark.publish.published_release import PublishedRelease

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_KEYS = ("length", "selections")


@dataclass(frozen=True)
class Difference:
    """Numbers of combinations of columns that both releases have, up to the length that both report.

    Attributes:
        compared: in one of the releases, or both.
        gone: only in the earlier one.
        new: only in the later one.
        changed: in both, with another published count.
        one_step: of these, those whose counts are as near to each other as two published counts can be.
        small: of these, those whose counts differ by less than the larger k.
        narrowed: if the records are the same: an exact count is known to less than the smaller k.
        pinned: of these, those that are known exactly.
        contradicting: the records cannot be the same.
        lengths: for each length, from 1: compared combinations, `gone`, `new` and `changed`.
    """

    compared: int
    gone: int
    new: int
    changed: int
    one_step: int
    small: int
    narrowed: int
    pinned: int
    contradicting: int
    lengths: tuple[tuple[int, ...], ...]


def compare(
    earlier: PublishedRelease,
    later: PublishedRelease,
    k: tuple[int, int],
    longest: int,
    spark: "SparkSession | None" = None,
) -> Difference:
    """Put the published counts of two k-anonymous releases side by side.

    Args:
        earlier: one release.
        later: the other.
        k: their privacy resolutions.
        longest: longest combination that both report.
        spark: a session with Delta; needed for slices of Delta tables only.

    Raises:
        PublishError: a table cannot be read.
    """
    old, new = (_counts(one, other, longest, spark) for one, other in ((earlier, later), (later, earlier)))
    both = old.rename_columns([*_KEYS, "old"]).join(
        new.rename_columns([*_KEYS, "new"]), list(_KEYS), join_type="full outer"
    )
    was, now = (both[name].is_valid().to_numpy(zero_copy_only=False) for name in ("old", "new"))
    counts = [pc.fill_null(both[name], 0).to_numpy() for name in ("old", "new")]
    low = np.maximum(*counts)
    high = np.minimum(counts[0] + k[0] - 1, counts[1] + k[1] - 1)
    width, apart = high - low + 1, np.abs(counts[0] - counts[1])
    changed = was & now & (apart > 0)
    lengths = both["length"].to_numpy()
    return Difference(
        compared=len(both),
        gone=int((was & ~now).sum()),
        new=int((now & ~was).sum()),
        changed=int(changed.sum()),
        one_step=int((changed & (apart <= max(k))).sum()),
        small=int((changed & (apart < max(k))).sum()),
        narrowed=int(((width > 0) & (width < min(k))).sum()),
        pinned=int((width == 1).sum()),
        contradicting=int((width < 1).sum()),
        lengths=tuple(
            tuple(int((at & (lengths == length)).sum()) for at in (was | now, was & ~now, now & ~was, changed))
            for length in range(1, longest + 1)
        ),
    )


def diff_text(earlier: PublishedRelease, later: PublishedRelease, spark: "SparkSession | None" = None) -> str:
    """What differs between two releases, in lines; warnings about what both together tell come last.

    Args:
        earlier: one release.
        later: the other.
        spark: a session with Delta; needed for slices of Delta tables only.

    Raises:
        PublishError: a table cannot be read.
    """
    rows = [one.arrow("release", spark).to_pylist()[0] for one in (earlier, later)]
    lines = [f"{earlier.run_id} → {later.run_id}", *_tables_text(earlier, later), *_plan_text(*rows)]
    if not all(row["privacy"] == "k_anonymity" for row in rows):
        lines.append(
            "  counts carry noise: that they differ says little; what both releases cost together is in the ledger"
        )
        return "\n".join(lines)
    k, longest = (int(rows[0]["k"]), int(rows[1]["k"])), int(min(row["reporting_length"] for row in rows))
    difference = compare(earlier, later, k, longest, spark)
    lines.append(f"  combinations  {difference.compared:,} compared, of columns and lengths that both have")
    for length, (compared, gone, new, changed) in enumerate(difference.lengths, 1):
        lines.append(f"    length {length}    {compared:,}: {new:,} new, {gone:,} gone, {changed:,} with another count")
    return "\n".join([*lines, *_warnings(difference, max(k))])


def _warnings(difference: Difference, k: int) -> Iterator[str]:
    """What someone who holds both releases learns."""
    if difference.contradicting:
        yield f"  the records differ: {difference.contradicting:,} counts cannot be of the same records"
    if difference.small:
        yield (
            f"WARNING: {difference.small:,} published counts differ by less than k = {k}: both together tell of fewer "
            f"than {k} records"
        )
    if difference.narrowed:
        yield (
            f"WARNING: if the records are the same, {difference.narrowed:,} exact counts are known to less than k, "
            f"{difference.pinned:,} of them exactly"
        )
    if difference.one_step or difference.new or difference.gone:
        crossed = difference.new + difference.gone
        yield (
            f"WARNING: {difference.one_step:,} counts moved by one step, {crossed:,} crossed k: one record that came "
            "or went may have done that; who knows of it learns what it holds"
        )


def _tables_text(earlier: PublishedRelease, later: PublishedRelease) -> Iterator[str]:
    entries = [one.manifest["tables"] for one in (earlier, later)]
    for name in dict.fromkeys([*earlier.tables, *later.tables]):
        if name not in entries[0] or name not in entries[1]:
            yield f"  table {name}: only in {(earlier if name in entries[0] else later).run_id}"
            continue
        old, new = (entry[name] for entry in entries)
        same = old["content_hash"] == new["content_hash"]
        yield f"  table {name}: {old['rows']:,} → {new['rows']:,} rows, {'same' if same else 'other'} content"
        columns = [{column["name"] for column in entry["schema"]} for entry in (old, new)]
        for run_id, own in ((earlier.run_id, columns[0] - columns[1]), (later.run_id, columns[1] - columns[0])):
            if own:
                yield f"    columns only in {run_id}: {', '.join(sorted(own))}"


def _plan_text(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    plans = [_flat("", json.loads(row["plan"])) for row in (old, new)]
    for key in sorted(plans[0].keys() | plans[1].keys()):
        if plans[0].get(key) != plans[1].get(key) and not key.startswith(("run_id", "output.")):
            yield f"  plan {key}: {plans[0].get(key)} → {plans[1].get(key)}"


def _flat(prefix: str, content: Any) -> dict[str, Any]:
    """Dotted keys of a plan."""
    if not isinstance(content, dict):
        return {prefix: content}
    parts = [_flat(f"{prefix}.{key}" if prefix else key, value) for key, value in content.items()]
    return {key: value for part in parts for key, value in part.items()}


def _counts(one: PublishedRelease, other: PublishedRelease, longest: int, spark: "SparkSession | None") -> pa.Table:
    """Published counts of combinations of columns that both releases have: ``length``, ``selections`` and the count."""
    names = [
        [column["name"] for column in release.manifest["tables"]["aggregates"]["schema"]] for release in (one, other)
    ]
    wanted = [*_KEYS, "protected_count"]
    own = [name for name in names[0] if name not in names[1]]
    table = one.arrow("aggregates", spark, [*wanted, *own])
    keep = pc.less_equal(table["length"], longest)
    for name in own:
        keep = pc.and_(keep, pc.is_null(table[name]))
    return (
        table.filter(keep)
        .select(wanted)
        .cast(pa.schema([("length", pa.int64()), ("selections", pa.string()), ("protected_count", pa.int64())]))
    )
