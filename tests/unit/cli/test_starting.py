"""What a command does while its session starts."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from synth_spark import plan as plans
from synth_spark.cli.starting import started
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
    ],
)
def test_whatever_is_read_workers_have_a_template_and_the_session_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: dict[str, object], s3: bool
) -> None:
    """`make_template` takes the one that was forked before a store was opened, where one was."""
    asked: list[object] = []

    @contextmanager
    def opened(libraries: Libraries, *_: object, **__: object) -> Iterator[None]:
        asked.append(libraries)
        yield

    monkeypatch.setattr(session, "session", opened)
    monkeypatch.setattr(session, "warm_workers", lambda _: None)
    monkeypatch.setattr(session, "say_if_plain", lambda *_: None)
    monkeypatch.setattr(template, "make_template", lambda _: asked.append("template"))
    keys = {"input": {**source, "format": "csv"} if "sources" not in source else source, "privacy": {"k": 10}}
    options = argparse.Namespace(quiet=True, verbose=False, ends=True, as_json=False, log_format="text")
    with started(plans.parse({**keys, "output": {"path": str(tmp_path)}}), options):
        assert asked == [Libraries(s3=s3), "template"]
