"""Summaries, figures and events go to a store as to a file; what cannot be written is refused before the work."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from synth_spark.errors import InputError, PlanError, SynthSparkError
from synth_spark.monitoring.documents import check_document, write_document
from synth_spark.monitoring.lineage import Lineage
from synth_spark.monitoring.watch import Watch
from synth_spark.plan import parse
from synth_spark.storage.places import Place, place

_NUMBERS = count()


@pytest.fixture(params=["local", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty folder of one kind, with a name of its own."""
    if request.param == "local":
        return place(str(tmp_path / "reports"))
    begun = place(f"{request.getfixturevalue('s3')}://documents/reports {next(_NUMBERS)}")
    begun.write("begun", b"")  # some servers make a bucket when it is written to
    begun.delete(["begun"])
    return begun


def held(folder: Place) -> list[str]:
    return [one.name for one in folder.entries(deep=True)]


def test_a_document_is_replaced_and_to_look_whether_it_can_be_leaves_nothing(folder: Place) -> None:
    address = f"{folder.address}/weekly/summary.json"
    check_document(address, "--summary")
    assert held(folder) == []
    write_document(address, "one ü\n")
    check_document(address, "--summary")
    write_document(address, "two ü\n")
    assert (held(folder), folder.read("weekly/summary.json")) == (["weekly/summary.json"], "two ü\n".encode())


def test_a_folder_is_no_document(folder: Place) -> None:
    folder.write("weekly/summary.json", b"{}")
    with pytest.raises(PlanError, match=r"^--summary: is a folder; give the name of a file"):
        check_document(f"{folder.address}/weekly", "--summary")
    assert held(folder) == ["weekly/summary.json"]


@pytest.mark.parametrize("address", ["s3://bucket", "s3://bucket/", "hdfs://host:8020", "s3://"])
def test_an_address_without_a_name_is_refused(address: str) -> None:
    with pytest.raises(PlanError, match=r"^--summary: (names no file in its store|is a folder)"):
        check_document(address, "--summary")


@pytest.mark.usefixtures("s3")
def test_what_a_store_refuses_is_told_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    asked = {"input": {"path": "cases.csv"}, "operations": {"metrics": "s3://documents/a.prom"}}
    lineage = {"input": {"path": "cases.csv"}, "operations": {"lineage": "s3://documents/events"}}
    for field, step in {
        "--summary": lambda: Watch("s3://documents/a.json"),
        "operations.metrics": lambda: Watch().planned(parse(asked)),
        "operations.lineage": lambda: Watch().planned(parse(lineage)),
    }.items():
        with pytest.raises(PlanError, match=rf"^{field}: cannot be written \(PermissionDenied\)") as told:
            step()
        assert "another-secret" not in str(told.value)


def test_how_a_run_ended_is_told_there(folder: Place, s3_environment: dict[str, str]) -> None:
    """Of a run that failed before it had a folder, and of its beginning and end as events."""
    named = {"metrics": f"{folder.address}/weekly.prom", "lineage": f"{folder.address}/events", "job": "weekly"}
    if Path(folder.address).is_absolute():
        named["lineage"] += "/all.jsonl"
    plan = parse({"input": {"path": "cases.csv"}, "operations": named})
    watch = Watch(f"{folder.address}/summary.json")
    watch.planned(plan)
    told = watch.ended(InputError("cases.csv", "is not there", "check its path"))
    assert json.loads(folder.read("summary.json") or b"") == json.loads(json.dumps(told))
    assert b'synth_spark_run_verdict{job="weekly",verdict="failed"} 1.0' in (folder.read("weekly.prom") or b"")
    lineage = Lineage(plan)
    assert lineage.start("first")
    assert lineage.end({"verdict": "failed", "run_id": "first", "error": {"class": "InputError", "field": "cases.csv"}})
    events = [name for name in held(folder) if name.startswith("events/")]
    lines = [json.loads(line) for name in events for line in (folder.read(name) or b"").splitlines()]
    assert [line["eventType"] for line in lines] == ["START", "FAIL"]
    assert len({line["run"]["runId"] for line in lines}) == 1
    whole = b"".join(folder.read(name) or b"" for name in held(folder)).decode()
    assert not any(s3_environment[name] in whole for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))


@pytest.mark.usefixtures("s3")
def test_an_end_that_a_store_does_not_take_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = Watch("s3://documents/late.json")
    said: list[str] = []
    monkeypatch.setattr(watch, "_progress", type("Said", (), {"say": said.append, "event": lambda *_, **__: None}))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    failed: Callable[[], SynthSparkError] = lambda: InputError("cases.csv", "is not there", "check its path")  # noqa: E731
    assert watch.ended(failed())["verdict"] == "failed"
    assert said == ["late.json could not be written (RunError)"]
