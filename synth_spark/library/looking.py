"""`plan`, `inspect` and `tune`: what would happen, what is in the records, and what privacy costs, before a release."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from html import escape
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

from synth_spark.cli.plan_summary import acceptance_lines, summary_lines
from synth_spark.cli.starting import looked
from synth_spark.library.asking import Asked, ask
from synth_spark.library.keys import Settings
from synth_spark.library.notebook import progress_of
from synth_spark.plan import Plan, what_is_counted
from synth_spark.plan.planner import resolve
from synth_spark.runtime.scratch import private_folder
from synth_spark.storage import new_runs

if TYPE_CHECKING:
    import pandas as pd

    from synth_spark.pipeline.run import Run
    from synth_spark.tuning.comparability import Outcome
    from synth_spark.tuning.inspection import ColumnProfile


@dataclass(frozen=True, repr=False)
class Planned:
    """What a release would do. Printed, it is what ``synth-spark plan`` prints.

    Attributes:
        plan: the plan; of a frame it says everything but the place of the records.
        summary: what would be done and promised, in lines of text.
    """

    plan: Plan
    summary: str

    def __repr__(self) -> str:
        return f"{self.plan.to_yaml()}---\n{self.summary}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


@dataclass(frozen=True, repr=False)
class Inspected:
    """A look at records. SENSITIVE: exact counts and rare values.

    Attributes:
        plan: a plan to start from; of a frame it says everything but the place of the records.
        records: number of records.
        linkable: share of them that hold a combination that fewer than k share.
        columns: what each column seems to hold.
        attributes: (column, value, share of its records that a rare combination with it links), highest first.
        text: all of it as tables, in Markdown.
    """

    plan: Plan
    records: int
    linkable: float
    columns: "tuple[ColumnProfile, ...]"
    attributes: tuple[tuple[str, str, float], ...]
    text: str

    @property
    def table(self) -> "pd.DataFrame":
        """The columns as a pandas frame, the most linkable first."""
        import pandas as pd

        rows = pd.DataFrame([{"column": one.field.name, **asdict(one)} for one in self.columns])
        return rows.drop(columns="field").sort_values("linkable", ascending=False, ignore_index=True)

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


@dataclass(frozen=True, repr=False)
class Tuned:
    """Plans that were tried on a sample. INTERNAL: exact figures.

    Attributes:
        outcomes: what came of each plan, in the order of the grid.
        advice: the largest k that keeps what a release should, in a sentence.
        page: all of it as one HTML page that needs nothing else.
    """

    outcomes: "tuple[Outcome, ...]"
    advice: str
    page: str

    @property
    def table(self) -> "pd.DataFrame":
        """One row a plan, as a pandas frame."""
        import pandas as pd

        from synth_spark.tuning.comparison import rows_of

        heads, rows = rows_of(list(self.outcomes))
        return pd.DataFrame(rows, columns=heads)

    def __repr__(self) -> str:
        from synth_spark.tuning.comparison import table_text

        return f"{table_text(list(self.outcomes))}\n{self.advice}"

    def _repr_html_(self) -> str:
        from synth_spark.exports.showcase import inline

        return f"<p>{escape(self.advice)}</p>{inline(self.page)}"


def plan(data: Any, plan: Plan | str | PathLike[str] | None = None, **settings: Unpack[Settings]) -> Planned:
    """Look at what a release would do, before any job and without Spark, as ``synth-spark plan`` does.

    Args:
        data: the records, as for `release`.
        plan: a plan, or the path of a plan file, for everything but the place of the records.
        settings: keys of the plan, as for `release`.

    Raises:
        PlanError: a key is not understood, or names a column that is not there.
        InputError: the records are missing or malformed.

    >>> import pyarrow as pa
    >>> cases = pa.table({"gender": ["Woman", "Man"] * 60, "year": ["2020", "2021", "2022"] * 40})
    >>> planned = plan(cases, k=5)
    >>> print(planned.plan.to_yaml(), end="")
    input: {}
    privacy:
      kind: k_anonymity
      k: 5
    >>> print(planned.summary.splitlines()[1])
    records            120, 6 of them distinct
    """
    with _asked(data, plan, settings) as asked:
        shape = looked(asked.plan)
        broken = asked.plan.input.contradictions
        lines = [f"remark             {where}: {number} {what}" for where, what, number in broken]
        lines += [f"remark             {line}" for line in acceptance_lines(asked.plan)]
        if shape is None:
            lines += ["The records' shape is known once Spark has opened them.", what_is_counted(asked.plan)]
        else:
            numbers = (shape.names, shape.cards, shape.records, shape.distinct, shape.filled)
            lines += summary_lines(resolve(asked.plan, *numbers), shape)
    return Planned(asked.content, "\n".join(_without_places(lines, asked)))


def _without_places(lines: Sequence[str], asked: Asked) -> list[str]:
    """Lines of a summary, without private folders that are gone by the time that somebody reads of them."""
    private = str(private_folder())
    told = [line for line in lines if private not in line]
    if asked.temporary:
        where = "a private temporary one, which goes with this process, unless work= or output= names one"
        told.append(f"sensitive folder   {where}")
    return told


def inspect(data: Any, plan: Plan | str | PathLike[str] | None = None, **settings: Unpack[Settings]) -> Inspected:
    """Look at what records hold, and who could be linked; propose a plan, as ``synth-spark inspect`` does. SENSITIVE.

    Args:
        data: the records, as for `release`.
        plan: a plan, or the path of a plan file, for everything but the place of the records.
        settings: keys of the plan, as for `release`.

    Raises:
        PlanError: a key is not understood, or names a column that is not there.
        InputError: the records are missing or malformed.
        ResourceError: the records need more than the limits allow.
    """
    from synth_spark.tuning import inspection

    with _asked(data, plan, settings) as asked, _run_of(asked) as run:
        with run.progress.stage("inspect", "reading, counting, looking for rare combinations"):
            found = inspection.inspect(run)
        text = inspection.report_text(run.store.run_id, found)
        proposed = Plan.from_yaml(inspection.proposed_plan(run, found))
    located = {name: getattr(asked.content.input, name) for name in ("path", "table")}
    told = proposed.input.model_copy(update=located)
    places = {name: getattr(asked.content, name) for name in ("work", "output", "run_id")}
    chosen = proposed.model_copy(update={"input": told, **places})
    return Inspected(chosen, found.records, found.linkable, found.columns, found.attributes, text)


def tune(
    data: Any,
    ks: Sequence[int] = (5, 10, 20),
    lengths: Sequence[int] = (3,),
    kinds: Sequence[str] | None = None,
    sample: int = 20_000,
    **settings: Unpack[Settings],
) -> Tuned:
    """Try several plans on a sample and show what each costs, as ``synth-spark tune`` does. Nothing is published.

    Args:
        data: the records, or a plan, as for `release`.
        ks: privacy resolutions.
        lengths: reporting lengths.
        kinds: ways of synthesis; default: that of the plan.
        sample: most records that are tried on.
        settings: keys of the plan, as for `release`.

    Raises:
        PlanError: a key is not understood, the plan is under differential privacy, or nothing could be tried.
        InputError: the records are missing or malformed.
    """
    from synth_spark.report.html_page import page
    from synth_spark.tuning import grid_search
    from synth_spark.tuning.comparison import content

    with _asked(data, None, settings) as asked:
        grid = grid_search.Grid(tuple(ks), tuple(lengths), tuple(kinds or [asked.plan.synthesis.kind]), sample)
        folder = grid_search.default_folder(asked.plan)
        grid_search.check(asked.plan, grid, folder)
        with _run_of(asked) as run:
            tried = grid_search.tune(run, grid, folder)
    advice = grid_search.advice(tried)
    return Tuned(tuple(tried), advice, page(content(tried, "Plans tried on a sample", (advice,))))


@contextmanager
def _asked(data: Any, plan: Any, settings: Any) -> Iterator[Asked]:
    """What was asked for, with its records in place; what was written to temporary folders is removed afterwards."""
    asked = ask(data, plan, settings)
    new_runs.check_new(asked.plan, new_runs.name_of(asked.plan))
    asked.write()
    try:
        yield asked
    finally:
        asked.forget()
        if asked.temporary:
            shutil.rmtree(asked.plan.work_folder.parent, ignore_errors=True)


@contextmanager
def _run_of(asked: Asked) -> Iterator["Run"]:
    """A run of a plan, nothing of which is done."""
    from synth_spark.library.running import session_of
    from synth_spark.pipeline.run import Run
    from synth_spark.storage.run_store import RunStore

    looked(asked.plan)
    spark = session_of(asked.plan, asked.settings.get("spark") or asked.given.spark)
    asked.show()
    yield Run(spark, RunStore.create(asked.plan), progress_of(spark, asked.quiet))
