"""Addresses of other file systems: refused by name wherever something would be written, kept as they are where read."""

import argparse
from pathlib import Path

import pytest

from synth_spark.cli.main import COMMANDS, main
from synth_spark.cli.parser import parser
from synth_spark.errors import PlanError
from synth_spark.exports.warehouse.database import connected
from synth_spark.plan import parse
from synth_spark.plan.addresses import OBJECT_STORES, scheme_of

#: Keys of a plan at which something is written, or at which a run keeps something.
KEYS = ["work", "input.since", "operations.metrics"]
#: Those at which it is read or written in an object store, too.
STORED = ["output.path", "assessment.earlier", "ledger"]
ADDRESSES = ["s3a://bucket/a", "abfss://c@account/a", "gs://bucket/a", "hdfs:/a", "dbfs:/a", "file:///a", "S3://b/a"]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("key", KEYS)
def test_keys_refuse_addresses_that_are_not_written_to(key: str, address: str) -> None:
    part, _, last = key.rpartition(".")
    given = {part: {last: address}} if part else {key: address}
    given.setdefault("input", {}).setdefault("path", "cases.csv")
    with pytest.raises(PlanError, match=f"is an address of {scheme_of(address)}:") as told:
        parse(given)
    assert str(told.value).startswith(f"{key}: ")


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("key", STORED)
def test_releases_and_a_ledger_may_be_in_an_object_store(key: str, address: str) -> None:
    part, _, last = key.rpartition(".")
    given = {"input": {"path": "cases.csv"}, "work": "runs"} | ({part: {last: address}} if part else {key: address})
    if scheme_of(address) in OBJECT_STORES:
        plan = parse(given).model_dump()
        assert (plan[part][last] if part else plan[key]) == address
    else:
        with pytest.raises(PlanError, match=f"is an address of {scheme_of(address)}:"):
            parse(given)


def places() -> list[tuple[str, argparse.Action]]:
    """Every argument of every command that names a place, whatever commands there are."""
    (added,) = (one for one in parser(COMMANDS)._actions if isinstance(one, argparse._SubParsersAction))
    named = {"FILE", "FOLDER", "FILE.zip", "RUN", "OUT", "RUN_OR_OUT", "LEDGER", "PATH"}
    return [(name, action) for name, one in added.choices.items() for action in one._actions if action.metavar in named]


def test_commands_refuse_addresses_that_are_not_written_to() -> None:
    """Arguments that are keys of the plan are refused with it."""
    of_plan = {"input", "since", "ledger", "output"}
    tried = []
    for name, action in places():
        if name in ("run", "plan", "inspect", "tune") and action.dest in of_plan:
            continue
        tried.append(f"{name} {action.dest}")
        assert callable(action.type), tried[-1]
        with pytest.raises(argparse.ArgumentTypeError, match="is an address of dbfs:"):
            action.type("dbfs:/a")
    assert {"run summary", "resume run", "releases root", "ledger file", "package output", "load release"} <= {*tried}


def test_a_refused_address_is_one_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in (["run", "--input", "c.csv", "--output", "hdfs://b/out"], ["releases", "list", "hdfs://b/out"]):
        try:
            code = main(line)
        except SystemExit as ended:  # what the parser refuses
            code = ended.code
        assert code == 2
        (told,) = capsys.readouterr().err.strip().splitlines()
        assert "is an address of hdfs:, which is read from but not written to; give a folder of this machine" in told
    with pytest.raises(PlanError, match="TARGET: is an address of gs:"), connected("duckdb:gs://b/cases.duckdb"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_data_set_is_its_address_as_it_is_written() -> None:
    plan = parse({"input": {"paths": ["s3a://bucket/cases/", "cases.csv"], "format": "csv"}})
    assert plan.data_set_name == f"s3a://bucket/cases/, {Path('cases.csv').absolute()}"
