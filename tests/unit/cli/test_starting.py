"""What a command does while its session starts."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from synth_spark import plan as plans
from synth_spark.cli.starting import libraries_of, started
from synth_spark.pipeline.workers import template
from synth_spark.runtime import session
from synth_spark.runtime.libraries import Libraries


@pytest.mark.parametrize(
    ("source", "s3"),
    [
        ({"path": "/data/cases.csv"}, False),
        ({"path": "s3://bucket/cases.csv"}, True),
        ({"paths": ["/data/cases.csv", "s3a://bucket/cases.csv"]}, True),
        ({"sources": {"one": {"path": "abfss://held@account.dfs.core.windows.net/cases.csv"}}}, False),
        (
            {
                "path": "/data/cases.csv",
                "groups": {"place": {"path": "gs://bucket/places.csv", "code": "c", "group": "g"}},
            },
            False,
        ),
        ({"path": "hdfs://host/cases.csv"}, False),
        ({"path": "/data/cases.csv", "work": "s3://bucket/work"}, True),
        ({"path": "viewfs://all/cases.csv"}, False),
        ({"path": "/data/cases.csv", "more": ["/data/trials", "s3a://bucket/trials"]}, True),
    ],
)
def test_a_session_has_what_the_addresses_of_a_plan_need(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: dict[str, object], s3: bool
) -> None:
    """And a template of workers, also where a store is named: `test_template` tells when that is forked."""
    asked: list[object] = []

    @contextmanager
    def opened(libraries: Libraries, *more: object, **__: object) -> Iterator[None]:
        asked.append(libraries)
        beside = more[3]
        assert beside == (None if work else Path(f"{tmp_path}.work"))  # what Spark spills is never in a store
        yield

    monkeypatch.setattr(session, "session", opened)
    monkeypatch.setattr(session, "warm_workers", lambda _: None)
    monkeypatch.setattr(session, "say_if_plain", lambda *_: None)
    monkeypatch.setattr(template, "make_template", lambda _: asked.append("template"))
    source = dict(source)
    work, more = source.pop("work", None), source.pop("more", ())
    keys = {"input": {**source, "format": "csv"} if "sources" not in source else source, "privacy": {"k": 10}}
    options = argparse.Namespace(quiet=True, verbose=False, ends=True, as_json=False, log_format="text")
    with started(plans.parse({**keys, "output": {"path": str(tmp_path)}, "work": work}), options, more=more):
        assert asked == [Libraries(s3=s3), "template"]


@pytest.mark.parametrize(
    ("output", "delta"),
    [
        ({"path": "out"}, True),
        ({"path": "hdfs://host/out"}, False),
        ({"path": "hdfs://host/out", "catalog": "published"}, True),  # whose tables are Delta tables, too
    ],
)
def test_delta_tables_in_a_store_need_no_delta(output: dict[str, str], delta: bool) -> None:
    """They are files with a log; those of a folder are written by Delta."""
    keys = {"input": {"path": "cases.csv"}, "work": "runs", "output": {**output, "format": "delta"}}
    assert libraries_of(plans.parse(keys)).delta == delta
    assert not libraries_of(plans.parse({**keys, "output": {**output, "format": "parquet"}})).delta
