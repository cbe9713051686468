"""The commands that are about what is published. Spark is started for Delta tables that releases share."""

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from synth_spark.errors import PlanError
from synth_spark.runtime.writable import check_writable, make_folder_of
from synth_spark.schema.root_layout import SHOWCASE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from synth_spark.publish.published_release import PublishedRelease


def show(options: argparse.Namespace) -> None:
    """Make the showcase of a release anew, or serve it."""
    from synth_spark.exports.showcase import ShowcaseTables, showcase
    from synth_spark.exports.showcase.serve import serve
    from synth_spark.storage.files import write_atomically

    with _published(options) as (release, spark):
        file = Path(options.output) if options.output else None
        if not options.serve and file is not None:
            check_writable(file, "--output", PlanError)
        release.verify()
        html = showcase(ShowcaseTables.of(release, spark))
    if options.serve:
        return serve(html, options.port, print)
    if file is None:
        release.root.write(SHOWCASE, html.encode())
        return print(f"open it in a browser: {release.root.address}/{SHOWCASE}")
    make_folder_of(file)
    write_atomically(file, html)
    return print(f"open it in a browser: {file}")


def package(options: argparse.Namespace) -> None:
    """Make the package of a release that a data portal offers."""
    from synth_spark.exports.data_package import package

    with _published(options) as (release, spark):
        file = package(release, Path(options.output) if options.output else None, spark)
    print(f"Packaged {release.run_id}: {file} ({file.stat().st_size:,} bytes)")


def load(options: argparse.Namespace) -> None:
    """Load a release into a warehouse."""
    from synth_spark.exports import warehouse

    with _published(options) as (release, spark):
        loaded = warehouse.load(release, options.target, options.schema, spark)
    if not loaded.new:
        print(f"Nothing to do: {loaded.run_id} is what was loaded last into schema {loaded.schema}")
        return
    print(f"Loaded {loaded.run_id} into schema {loaded.schema}; read it through the views latest_…")
    for table, rows in loaded.rows.items():
        print(f"  latest_{table}: {rows:,} rows")


def manage(options: argparse.Namespace) -> None:
    """List, show and compare what was published; go back to it, or take it back."""
    from synth_spark.publish import lifecycle

    where, names, action = options.root, options.run_ids, options.action
    most = {"list": 0, "show": 1, "diff": 2, "rollback": 1, "clean": 0}.get(action, len(names))
    if len(names) > most or (action in ("diff", "rollback") and not names):
        wanted = {"list": "no RUN_ID", "clean": "no RUN_ID", "show": "at most one RUN_ID", "diff": "one or two RUN_IDs"}
        raise PlanError(
            f"releases {action}", f"takes {wanted.get(action, 'one RUN_ID')}", "see synth-spark releases -h"
        )
    if action == "list":
        return print(lifecycle.list_text(where))
    if action == "show":
        return print(lifecycle.show_text(where, *names))
    if action == "rollback":
        print(lifecycle.rollback(where, names[0]))
        return _follow(where, {}, options.ends)
    if action == "retire":
        if bool(names) == (options.keep is not None or options.older_than is not None) or (options.keep or 0) < 0:
            raise PlanError(
                "releases retire", "needs RUN_IDs, or a rule", "name some, or give --keep N or --older-than DAYS"
            )
        if options.unread and not names:
            raise PlanError("releases retire", "needs RUN_IDs with --unread", "name the releases that nobody has read")
        names = names or lifecycle.chosen(where, options.keep, options.older_than)
    with _for_delta(where) as spark:
        if action == "diff":
            from synth_spark.publish.diff import diff_text

            return print(diff_text(*lifecycle.open_two(where, names), spark))
        if action == "clean":
            return print(lifecycle.clean(where, spark))
        shown = lifecycle.shown_in_catalogs(where, names)
        print(lifecycle.retire(where, names, spark, options.unread))
    return _follow(where, shown, options.ends)


def _follow(where: str, gone: "Mapping[str, tuple[str, list[str]]]", ends: bool) -> None:
    """Let the catalogs that show a root show what is current there now, and nothing of what is gone.

    Args:
        where: the root.
        gone: release that was retired → the catalog that shows it, and the names of its tables.
        ends: whether the process ends with the command, and a session that was started with it.

    Raises:
        EngineError: the session keeps in memory what it would show.
        PublishError: a catalog refuses.
    """
    from synth_spark.publish import lifecycle
    from synth_spark.publish.published_release import open_release

    release = open_release(where)
    current = lifecycle.shown_in_catalogs(where, [release.run_id])
    if not current and not gone:
        return
    from synth_spark.cli.starting import check_catalog
    from synth_spark.exports import catalog
    from synth_spark.plan import Catalog
    from synth_spark.runtime.libraries import Libraries
    from synth_spark.runtime.s3 import is_in_s3
    from synth_spark.runtime.session import session

    with session(Libraries(release.is_delta, is_in_s3(where)), quiet=True, kept=True) as spark:
        for name, _ in (*current.values(), *gone.values()):
            check_catalog(spark, name, ends)
        for name, _ in current.values():
            catalog.follow(spark, where, Catalog(name))
        for run_id, (name, tables) in gone.items():
            catalog.withdraw(spark, tables, run_id, Catalog(name))


@contextmanager
def _for_delta(where: str) -> "Iterator[SparkSession | None]":
    """A session if a root holds Delta tables that releases share; else none, and Spark is not imported."""
    from synth_spark.storage.root_files import has_delta

    if not has_delta(where):
        yield None
        return
    from synth_spark.runtime.libraries import Libraries
    from synth_spark.runtime.session import session

    with session(Libraries(delta=True), quiet=True, kept=True) as spark:
        yield spark


@contextmanager
def _published(options: argparse.Namespace) -> "Iterator[tuple[PublishedRelease, SparkSession | None]]":
    """A published release, and a session where its tables are slices of Delta tables."""
    from synth_spark.publish.published_release import open_release

    release = open_release(options.release, options.run_id)
    if not release.is_sliced:
        yield release, None
        return
    from synth_spark.runtime.libraries import Libraries
    from synth_spark.runtime.session import session

    with session(Libraries(delta=True), quiet=True, kept=True) as spark:
        yield release, spark
