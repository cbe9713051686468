"""The commands that look at an input, try plans, and put runs side by side."""

import argparse
from typing import TYPE_CHECKING

from synth_spark.cli.starting import check_folder, looked, plan_of, started

if TYPE_CHECKING:
    from synth_spark.report.blocks import Report
    from synth_spark.tuning.comparability import Outcome


def inspect(options: argparse.Namespace) -> None:
    """Look at an input, and propose a plan."""
    from synth_spark.plan.sources.description import description
    from synth_spark.storage import new_runs

    plan = plan_of(options)
    looked(plan)  # cheap mistakes are reported before Spark starts
    new_runs.check_new(plan, new_runs.name_of(plan))
    for line in description(plan.input):
        print(line)
    with started(plan, options) as (spark, progress):
        from synth_spark.pipeline.run import Run
        from synth_spark.storage.run_store import RunStore
        from synth_spark.tuning import inspection

        run = Run(spark, RunStore.create(plan), progress)
        with progress.stage("inspect", "reading, counting, looking for rare combinations"):
            result = inspection.inspect(run)
        run.store.write("inspect.md", inspection.report_text(run.store.run_id, result))
        run.store.write("proposed.yml", inspection.proposed_plan(run, result))
    print(f"{result.linkable:.1%} of the records hold a combination that fewer than {result.k} records share.")
    print(f"  read it (SENSITIVE)        {run.store.address}/inspect.md")
    print(f"  a plan to start from       {run.store.address}/proposed.yml")


def compare(options: argparse.Namespace) -> None:
    """Put runs side by side."""
    from synth_spark.tuning.comparison import content, outcomes

    if options.output is not None:
        check_folder(options.output, "--output")
    compared = outcomes(options.runs)
    _show(compared, content(compared), options.output)


def tune(options: argparse.Namespace) -> None:
    """Try several plans on a sample."""
    from synth_spark.storage import new_runs
    from synth_spark.tuning import grid_search

    plan = plan_of(options)
    looked(plan)
    new_runs.check_new(plan, new_runs.name_of(plan))
    folder = options.trials or grid_search.default_folder(plan)
    check_folder(folder, "--trials")
    kinds = tuple(options.kinds or [plan.synthesis.kind])
    grid = grid_search.Grid(tuple(options.ks), tuple(options.lengths), kinds, options.sample)
    grid_search.check(plan, grid, folder)
    with started(plan, options, more=(folder,)) as (spark, progress):
        from synth_spark.pipeline.run import Run
        from synth_spark.storage.run_store import RunStore
        from synth_spark.tuning.comparison import content

        tried = grid_search.tune(Run(spark, RunStore.create(plan), progress), grid, folder)
    advice = grid_search.advice(tried)
    _show(tried, content(tried, "Plans tried on a sample", (advice,)), folder)
    print(advice)


def _show(outcomes: "list[Outcome]", report: "Report", folder: str | None) -> None:
    """Print a comparison, and write it down where that was asked for."""
    from synth_spark.monitoring.documents import write_document
    from synth_spark.report.html_page import page
    from synth_spark.report.markdown import markdown
    from synth_spark.tuning.comparison import csv_text, table_text

    print(table_text(outcomes))
    if folder is not None:
        start = f"{folder.rstrip('/')}/compare"
        for name, text in (("html", page(report)), ("md", markdown(report)), ("csv", csv_text(outcomes))):
            write_document(f"{start}.{name}", text)
        print(f"  look at it (SENSITIVE)     {start}.html")
