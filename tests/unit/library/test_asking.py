"""What the library makes of what it is handed: a plan, and a private copy of a frame. No Spark."""

import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import synth_spark as ss
from synth_spark.errors import InputError, PlanError, RunError
from synth_spark.library.asking import Asked, ask
from synth_spark.library.running import begin
from synth_spark.plan import parse
from synth_spark.plan.sources.preview import look
from synth_spark.runtime import scratch
from synth_spark.storage.places import place

DATA: dict[str, list[Any]] = {
    "gender": ["Woman", None, "Man"],
    "year": [2020, None, 2021],
    "share": [0.5, 2.0, None],
    "since": [datetime(2020, 1, 2, 3, 4, 5), None, None],
    "nothing": [None, None, None],
}
FRAMES: dict[str, Callable[[], Any]] = {
    "pandas": lambda: pd.DataFrame(DATA, index=[7, 8, 9]),
    "pandas with categories": lambda: pd.DataFrame(DATA).astype({"gender": "category"}),
    "polars": lambda: pl.DataFrame(DATA),
    "polars, lazy": lambda: pl.LazyFrame(DATA),
    "polars with categories": lambda: pl.DataFrame(DATA).with_columns(pl.col("gender").cast(pl.Categorical)),
    "arrow": lambda: pa.table(DATA),
}
READ = [
    ("Woman", "2020", "0.5", "2020-01-02 03:04:05", ""),
    ("", "", "2", "", ""),
    ("Man", "2021", "", "", ""),
]


def copies() -> list[Path]:
    """Copies of frames in the private temporary folder."""
    return list(scratch.private_folder().rglob("*.parquet"))


def asked(data: Any, plan: Any = None, **settings: Any) -> Asked:
    return ask(data, plan, settings)


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_is_read_as_its_values(kind: str, tmp_path: Path) -> None:
    one = asked(FRAMES[kind](), work=tmp_path / "work")
    assert one.given.kind == kind.partition(" ")[0].rstrip(",")
    one.write()
    shape = look(one.plan)
    assert shape is not None
    assert shape.names == tuple(DATA)
    assert shape.rows == READ
    one.forget()
    assert list((tmp_path / "work" / "frames").iterdir()) == []


def test_a_frame_in_memory_is_copied_beside_run_folders_in_a_store(s3: str, tmp_path: Path) -> None:
    """By way of a private file that is gone afterwards."""
    before, work = copies(), f"{s3}://frames/work"
    one = asked(pa.table(DATA), work=work, output=tmp_path / "out", run_id="One")
    assert one.plan.input.path == one.copy == f"{work}/frames/One.parquet"
    one.write()
    shape = look(one.plan)
    assert shape is not None
    assert (shape.names, shape.rows) == (tuple(DATA), READ)
    with pytest.raises(RunError, match="work: a copy of the frame: is there already"):
        one.write()
    assert copies() == before
    one.forget()
    assert place(work).entries(deep=True) == []


def test_what_is_refused_leaves_no_copy_in_a_store(s3: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="gendr"):
        begin(pa.table(DATA), input={"columns": ["gendr"]}, work=f"{s3}://frames/refused", output=tmp_path / "out")
    assert place(f"{s3}://frames/refused").entries("frames") == []


def test_a_copy_of_a_frame_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        one = asked(pa.table(DATA), work=tmp_path / "deep" / "work", run_id="One")
        one.write()
    finally:
        os.umask(before)
    file = tmp_path / "deep" / "work" / "frames" / "One.parquet"
    assert one.copy == str(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for folder in (file.parent, file.parents[1], scratch.private_folder()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_copy_goes_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "work" / "frames").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="leads out of its folder"):
        asked(pa.table(DATA), work=tmp_path / "work").write()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_what_is_refused_leaves_no_copy(tmp_path: Path) -> None:
    before = copies()
    with pytest.raises(PlanError, match="gendr"):
        begin(pa.table(DATA), input={"columns": ["gendr"]})
    assert copies() == before
    (tmp_path / "work" / "One").mkdir(parents=True)
    (tmp_path / "work" / "frames").mkdir()
    (tmp_path / "work" / "frames" / "One.parquet").write_text("of the run that is there")
    with pytest.raises(RunError, match="exists"):
        begin(pa.table(DATA), work=tmp_path / "work", run_id="One")
    assert (tmp_path / "work" / "frames" / "One.parquet").read_text() == "of the run that is there"


@pytest.mark.parametrize(
    ("data", "error", "told"),
    [
        ([1, 2], PlanError, "data: is of the type list"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), InputError, "two columns of the same name"),
        (b"cases.csv", PlanError, "data: is of the type bytes"),
        (pd.DataFrame({"a": [{1}, "secret"]}), InputError, "column 'a': holds values of several types"),
        (pd.DataFrame({"a": [pd.Timestamp(1)]}), InputError, "column 'a': holds times finer than microseconds"),
        ("nowhere.csv", InputError, "does not exist"),
        ("nowhere.yml", PlanError, "cannot be read"),
    ],
)
def test_what_is_not_read_is_named_without_its_values(data: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told) as refused:
        begin(data)
    assert "secret" not in str(refused.value)


def test_keys_go_over_a_plan_and_a_plan_over_defaults(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text("{title: Cases, input: {path: a.csv, trim: true}, privacy: {k: 5}, seed: 3}")
    one = asked(str(tmp_path / "plan.yml"), k=7, input={"columns": ["b"]}).plan
    assert (one.title, one.input.path, one.input.trim, one.input.columns, one.privacy.k, one.seed) == (
        "Cases", "a.csv", True, ("b",), 7, 3,
    )  # fmt: skip
    other = asked("b.csv", plan=tmp_path / "plan.yml", assess=True, length=2).plan
    assert (other.input.path, other.privacy.k, other.reporting_length) == ("b.csv", 5, 2)
    assert other.assessment.rehearsal
    assert other.assessment.redaction
    of_a_plan = asked(parse({"input": {"path": "c.csv"}}), epsilon=1.0, ledger="l.jsonl").plan
    assert (of_a_plan.privacy.kind, of_a_plan.synthesis.kind) == ("differential_privacy", "marginal_matching")


def test_of_a_plan_a_frame_takes_everything_but_the_place(tmp_path: Path) -> None:
    told = {"path": "a.csv", "delimiter": ";", "header": True, "columns": ["gender"], "trim": True}
    one = asked(pa.table(DATA), plan=parse({"input": told}), work=tmp_path / "work")
    assert one.plan.input.path == one.copy
    assert (one.plan.input.columns, one.plan.input.trim, one.plan.input.delimiter) == (("gender",), True, None)
    assert one.content.input.path is None
    for named in ({"path": "a.csv"}, {"table": "cases"}, {"sources": {"a": {"path": "a.csv"}}}):
        with pytest.raises(PlanError, match="is named beside a frame"):
            asked(pa.table(DATA), input=named)


def test_who_names_no_place_gets_a_private_one(tmp_path: Path) -> None:
    private = scratch.private_folder()
    one, other = asked("a.csv"), asked("a.csv")
    for each in (one, other):
        assert each.temporary
        assert each.plan.work_folder.is_relative_to(private)
        assert Path(each.plan.output.path).is_relative_to(private)
    assert one.plan.work_folder != other.plan.work_folder
    named = asked("a.csv", output=tmp_path / "out")
    assert not named.temporary
    assert named.plan.work_folder == tmp_path / "out.work"
    kept = asked("a.csv", work=tmp_path / "work")
    assert not kept.temporary
    assert Path(kept.plan.output.path).is_relative_to(private)
    assert asked(parse({"input": {"path": "a"}, "output": {"path": "out"}})).plan.output.path == "out"  # the default


def test_differential_privacy_asks_for_a_ledger_in_words() -> None:
    with pytest.raises(PlanError, match=r"^ledger: is not named, and differential privacy is paid for"):
        asked("a.csv", epsilon=1.0)
    with pytest.raises(PlanError, match=r"^data_set: is not named, and the ledger cannot tell by a frame"):
        asked(pa.table(DATA), epsilon=1.0, ledger="l.jsonl")
    assert asked(pa.table(DATA), epsilon=1.0, ledger="l.jsonl", data_set="cases").plan.ledger.address == "l.jsonl"
    assert asked("a.csv", epsilon=1.0, ledger="l.jsonl").plan.privacy.noisy


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kk": 5}, "kk: is not a key of the plan; did you mean 'k'"),
        ({"synthesis": {"kin": "unseeded"}}, "synthesis.kin: is not a key of the plan; did you mean 'kind'"),
        ({"k": 1}, "privacy.k: is not valid"),
        ({"k": 5, "epsilon": 1.0}, "k and epsilon: exclude each other"),
    ],
)
def test_keys_are_checked_as_those_of_plans(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(PlanError, match=told):
        asked("a.csv", **settings)


def test_a_plan_goes_to_yaml_and_back() -> None:
    one = ss.plan(pa.table(DATA), k=3, input={"numbers": {"share": {"edges": [1]}}}, title="Cases: a").plan
    assert ss.Plan.from_yaml(one.to_yaml()) == ss.Plan.from_yaml(one.to_yaml(whole=True)) == one
    assert one.input.path is None
    assert str(scratch.private_folder()) not in repr(ss.plan(pa.table(DATA), k=3))


def test_a_look_leaves_nothing() -> None:
    before = sorted(scratch.private_folder().rglob("*"))
    ss.plan(pa.table(DATA), k=3)
    assert sorted(scratch.private_folder().rglob("*")) == before
