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
    ("source", "forked", "s3"),
    [
        ({"path": "/data/cases.csv"}, True, False),
        ({"path": "s3://bucket/cases.csv"}, False, True),
        ({"paths": ["/data/cases.csv", "s3a://bucket/cases.csv"]}, False, True),
        ({"sources": {"one": {"path": "abfss://held@account.dfs.core.windows.net/cases.csv"}}}, False, False),
        (
            {
                "path": "/data/cases.csv",
                "groups": {"place": {"path": "gs://bucket/places.csv", "code": "c", "group": "g"}},
            },
            False,
            False,
        ),
        ({"path": "hdfs://host/cases.csv"}, False, False),
        ({"path": "viewfs://all/cases.csv"}, True, False),
    ],
)
def test_workers_are_no_forks_of_a_command_that_looked_into_an_object_store(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: dict[str, object], forked: bool, s3: bool
) -> None:
    """In a fork the client of object stores waits for threads that it does not have."""
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
        assert asked == [Libraries(s3=s3), *(["template"] if forked else [])]
