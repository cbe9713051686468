"""What all ways of telling a release share."""

import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Protocol

import numpy as np
import pyarrow as pa

from synth_spark import __version__
from synth_spark.plan import Plan, published
from synth_spark.schema.metrics import Metric
from synth_spark.schema.plain_text import plain
from synth_spark.schema.tables import SafeTable
from synth_spark.schema.verdicts import Result


def one_row(columns: Mapping[str, str | int | float]) -> pa.Table:
    """A table of one row: whole numbers, numbers and texts."""
    kinds = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    schema = pa.schema([pa.field(name, kinds[type(value)], nullable=False) for name, value in columns.items()])
    return pa.Table.from_pylist([dict(columns)], schema)


def release_row(
    plan: Plan,
    numbers: Mapping[str, str | int | float],
    promise: str,
    safe: Sequence[SafeTable],
    texts: Mapping[str, str],
) -> pa.Table:
    """One row: what was asked for, with what it was made, what it holds, and what is guaranteed.

    Args:
        plan: of the release.
        numbers: of its privacy, and of its tables.
        promise: what is guaranteed, in a sentence.
        safe: its tables.
        texts: further columns, name → text.
    """
    columns: dict[str, str | int | float] = {
        "title": plan.title,
        "privacy": plan.privacy.kind,
        **numbers,
        "guarantee": promise,
        "plan": json.dumps(published(plan), ensure_ascii=False),
        "versions": json.dumps(versions()),
        "content_hashes": json.dumps({table.kept.table.name: table.kept.content_hash for table in safe}),
        **texts,
    }
    return one_row(columns)


def count_by_length(aggregates: SafeTable) -> Counter[int]:
    """How many combinations of each length were written."""
    counts: Counter[int] = Counter()
    for batch in aggregates.kept.batches(["length"]):
        lengths, numbers = np.unique(batch["length"].to_numpy(), return_counts=True)
        counts.update(dict(zip(lengths.tolist(), numbers.tolist(), strict=True)))
    return counts


def versions() -> dict[str, str]:
    """Versions of what makes a release."""
    packages = ("pyspark", "pyarrow", "numpy", "numba", "great-expectations", "opendp", "dp-accounting")
    return {
        "synth-spark": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
    }


def _version(name: str) -> str:
    """Version of a package; a platform that brings Spark may have no metadata of it, and extras may be missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        if name == "pyspark" and find_spec(name) is not None:
            return str(import_module(name).__version__)
        return "not installed" if find_spec(name.replace("-", "_")) is None else "unknown"


class Narrative(Protocol):
    """The narrative of a release: one row, and sentences."""

    def row(self, plan: Plan, safe: Sequence[SafeTable], texts: Mapping[str, str]) -> pa.Table:
        """One row: what was asked for, with what it was made, what it holds, and what is guaranteed.

        Args:
            plan: of the release.
            safe: its tables.
            texts: further columns, name → text.
        """
        ...

    def sentences(self, public: Sequence[Metric], results: Sequence[Result]) -> list[str]:
        """The release in sentences, to be numbered.

        Args:
            public: measures of published against synthetic counts.
            results: the audit.
        """
        ...


def release_text(title: str, sentences: Sequence[str]) -> str:
    """A release in numbered sentences (Markdown). The sentences hold markup of their own; the title has none."""
    quoted, own = f"“{title}”", f"“{plain(title)}”"
    numbered = [f"{number}. {sentence.replace(quoted, own)}" for number, sentence in enumerate(sentences, 1)]
    return "\n".join([f"# {plain(title)}", "", *numbered, "", f"Made by synth-spark {__version__}.", ""])


def quality_text(run_id: str, results: Sequence[Result], withheld: int = 0) -> str:
    """The audit as a readable table (Markdown); ``withheld`` rules are not in it, as they tell of exact figures."""
    rows = [
        f"| {_marked(result)} | {plain(result.name)} | {result.severity} | {plain(result.meaning)} |"
        for result in sorted(results, key=lambda result: result.success)
    ]
    head = ["| verdict | rule | severity | meaning |", "|---|---|---|---|"]
    return "\n".join(
        [f"# Audit of {run_id}", "", *_apart(verdict(results), *withheld_text(withheld)), *head, *rows, ""]
    )


def _apart(*sentences: str) -> list[str]:
    return [line for sentence in sentences for line in (sentence, "")]


def withheld_text(number: int) -> list[str]:
    """The sentence about rules that are not published, if there are any."""
    if not number:
        return []
    rules = "One more rule is" if number == 1 else f"{number} more rules are"
    return [f"{rules} about figures of the sensitive records; what came of that is told to those who sign alone."]


def verdict(results: Sequence[Result]) -> str:
    """The outcome of an audit, in a sentence."""
    failed = [result for result in results if not result.success]
    if not failed:
        return "All of these rules held."
    if not any(result.holds_back for result in failed):
        return f"{len(failed)} of {len(results)} rules did not hold; they are warnings, and were accepted."
    return f"{len(failed)} of {len(results)} rules failed: the release was stopped."


def verdict_on(result: Result) -> str:
    """The outcome of one rule."""
    if result.success:
        return "held"
    return f"accepted: {result.accepted}" if result.accepted else "failed"


def _marked(result: Result) -> str:
    """The outcome of one rule in Markdown: what failed stands out."""
    outcome = plain(verdict_on(result))
    return outcome if result.success or result.accepted else f"**{outcome}**"


def about_rules(number: int) -> list[str]:
    """What is said of structural rules, if there are any."""
    kept = "the structural rule that was" if number == 1 else f"the {number} structural rules that were"
    return [f"Every synthetic record keeps {kept} declared for these records; the audit checked it."] if number else []


def about_singles(figures: dict[tuple[str, int | None], float]) -> str:
    """How near the single counts of the synthetic records are to the published ones, in a sentence; as measured."""
    values, missing = int(figures["source_combinations", 1]), int(figures["suppressed", 1])
    return (
        f"Measured on both tables: on average the synthetic records have {100 * figures['mean_ratio', 1]:.1f} % of a "
        f"published single count; the largest difference is {int(figures['largest_gap', 1]):,}; {missing:,} of the "
        f"{values:,} published values are in no synthetic record."
    )


def by_length(figures: dict[tuple[str, int | None], float], measure: str, longest: int) -> str:
    """A measure as shares of singles, pairs, …, in words."""
    names = {1: "singles", 2: "pairs", 3: "triples"}
    parts = [
        f"{100 * figures[measure, length]:.1f} % of the {names.get(length, f'length-{length} ones')}"
        for length in range(1, longest + 1)
    ]
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
