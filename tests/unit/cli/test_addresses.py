"""Addresses of other file systems: refused by name wherever something would be written, kept as they are where read."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from synth_spark.cli.main import COMMANDS, main
from synth_spark.cli.parser import parser
from synth_spark.errors import PlanError
from synth_spark.exports.warehouse.database import connected
from synth_spark.plan import parse
from synth_spark.plan.addresses import STORES, resolved, scheme_of
from synth_spark.plan.loading import load
from synth_spark.storage.paths import check_roots

#: Keys of a plan at which something is written, or at which a run keeps something: on this machine or in a store.
STORED = ["output.path", "assessment.earlier", "ledger", "work", "input.since", "operations.metrics"]
STORED += ["operations.lineage"]
ADDRESSES = [
    "s3a://bucket/a",
    "abfss://c@account/a",
    "gs://bucket/a",
    "hdfs://a/b",
    "viewfs://a/b",
    "dbfs:/a",
    "file:///a",
    "S3://b/a",
]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("key", STORED)
def test_what_a_plan_names_may_be_in_a_store_and_nowhere_else(key: str, address: str) -> None:
    part, _, last = key.rpartition(".")
    given: dict[str, object] = {"input": {"path": "cases.csv"}, "work": "runs"}
    given |= {part: {"path": "cases.csv", last: address}} if part == "input" else {}
    given |= {part: {last: address}} if part not in ("", "input") else {} if part else {key: address}
    if scheme_of(address) in STORES or (key, scheme_of(address)) == ("operations.lineage", "file"):
        plan = parse(given).model_dump()
        found = plan[part][last] if part else plan[key]
        assert (found["address"] if key == "ledger" else found) == address
    else:
        with pytest.raises(PlanError, match=rf"^{key}.*: is an address of {scheme_of(address)}:"):
            parse(given)


@pytest.mark.parametrize("key", STORED)
def test_an_address_that_holds_a_key_is_refused_and_not_repeated(key: str) -> None:
    part, _, last = key.rpartition(".")
    for address in ("s3://invented:secret@bucket/a", "abfss://c:secret@account.dfs.core.windows.net/a"):
        given: dict[str, object] = {"input": {"path": "cases.csv"}, "work": "runs"}
        given |= {part: {"path": "cases.csv", last: address} if part == "input" else {last: address}} if part else {}
        given |= {} if part else {key: address}
        with pytest.raises(PlanError, match=rf"^{key}.*: holds a key before '@'; leave it out") as told:
            parse(given)
        assert "secret" not in str(told.value)


@pytest.mark.parametrize("scheme", ["s3", "s3n", "hdfs", "ftp"])
@pytest.mark.parametrize(
    "given", [{"path": "ADDRESS"}, {"paths": ["a.csv", "ADDRESS"]}, {"groups": {"a": {"path": "ADDRESS"}}}]
)
def test_an_address_that_is_read_holds_no_key_either(given: dict[str, Any], scheme: str) -> None:
    """It becomes the name of a data set, which ledgers and lineage tell."""
    filled = json.loads(json.dumps(given).replace("ADDRESS", f"{scheme}://invented:secret@bucket/a.csv"))
    filled = filled if "path" in filled or "paths" in filled else {"path": "cases.csv", **filled}
    with pytest.raises(PlanError, match="holds a key before '@'; leave it out") as told:
        parse({"input": filled})
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("option", ["--log-file", "--summary"])
def test_a_log_is_a_file_of_this_machine_and_a_summary_may_be_in_a_store(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["run", "plan.yml", option, "s3://bucket/file"]
    if option == "--summary":
        assert parser(COMMANDS).parse_args(line).summary == "s3://bucket/file"
        return
    with pytest.raises(SystemExit):
        parser(COMMANDS).parse_args(line)
    assert "is an address of s3:, where this is not kept; give a path of this machine" in capsys.readouterr().err


def test_a_plan_and_its_rules_are_files_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text("input: {path: cases.csv}\nrules: s3://bucket/rules.yml\n")
    for path, field in (("gs://bucket/plan.yml", "plan"), (str(tmp_path / "plan.yml"), "rules")):
        with pytest.raises(PlanError, match=f"^{field}: is no file of this machine"):
            load(path, {})


def places() -> list[tuple[str, argparse.Action]]:
    """Every argument of every command that names a place, whatever commands there are."""
    (added,) = (one for one in parser(COMMANDS)._actions if isinstance(one, argparse._SubParsersAction))
    named = {"PLAN.yml", "FILE", "FOLDER", "FILE.zip", "RUN", "OUT", "RUN_OR_OUT", "LEDGER", "PATH"}
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
    for line in (["run", "--input", "c.csv", "--output", "viewfs://b/out"], ["releases", "list", "viewfs://b/out"]):
        try:
            code = main(line)
        except SystemExit as ended:  # what the parser refuses
            code = ended.code
        assert code == 2
        (told,) = capsys.readouterr().err.strip().splitlines()
        assert "is an address of viewfs:, which is read from but not written to; give a folder of this machine" in told
    with pytest.raises(PlanError, match="TARGET: is an address of gs:"), connected("duckdb:gs://b/cases.duckdb"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_has_one_name_however_its_place_is_spelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a grant under one spelling would not limit releases under another."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "cases.csv").write_text("a\nx\n")
    (tmp_path / "link.csv").symlink_to("cases.csv")
    (tmp_path / "sub" / "up").symlink_to(tmp_path)
    spelled = [
        "cases.csv",
        "./cases.csv",
        "sub/../cases.csv",
        "link.csv",
        "sub/up/cases.csv",
        str(tmp_path / "link.csv"),
    ]
    names = {parse({"input": {"path": path}}).data_set_name for path in spelled}
    assert names == {str(tmp_path.resolve() / "cases.csv")}
    both = [{"paths": paths, "format": "csv"} for paths in (["s3a://b/c/", "cases.csv"], ["link.csv", "S3://b/x/../c"])]
    assert {parse({"input": one}).data_set_name for one in both} == {f"{tmp_path.resolve() / 'cases.csv'}, s3://b/c"}
    tables = ["Main.Cases", "main.`cases`"]
    assert {parse({"input": {"table": table}}).data_set_name for table in tables} == {"main.cases"}


#: Addresses that are one place, the account of the environment being `account`; each line is another place.
SPELLED = [
    [
        "az://c/x",
        "azure://c/x/",
        "abfs://c/x",
        "abfss://C@Account.dfs.core.windows.net/a/../x",
        "wasbs://c@account.blob.core.windows.net/x",
        "az://c@account.blob.core.windows.net//x",
    ],
    ["abfss://c@other.dfs.core.windows.net/x", "abfs://c@other.blob.core.windows.net/x"],
    ["az://c.other/x"],
    ["abfss://c@account/x"],
    ["hdfs:///a/x", "hdfs:/a/x", "hdfs:////a//x"],
    ["hdfs://a/x", "hdfs://A:8020/x", "HDFS://a/../x"],
    ["hdfs://a:9000/x"],
    ["viewfs:///a/x", "viewfs:/a/x"],
    ["viewfs://a/x"],
    ["s3://c/x", "s3a://c/x", "s3n://c/y/../x"],
    ["gs://c/x"],
    ["file:///nowhere/x", "file:/nowhere/x", "file://localhost/nowhere/x", "/nowhere/./x"],
]


def test_addresses_of_one_place_are_one_and_of_others_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    found = [{resolved(address) for address in line} for line in SPELLED]
    assert [len(line) for line in found] == [1] * len(SPELLED)
    assert len(set.union(*found)) == len(SPELLED)
    for line in SPELLED:
        names = {parse({"input": {"path": address, "format": "csv"}}).data_set_name for address in line}
        assert names == {resolved(line[0])}


def test_a_container_of_an_account_that_nobody_names_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    assert resolved("az://c/x") == resolved("abfs://c/x") == "abfss://c/x"
    assert resolved("az://c/x") != resolved("abfss://c@account.dfs.core.windows.net/x")


@pytest.mark.parametrize("line", SPELLED, ids=lambda line: line[0])
def test_run_folders_under_the_published_root_are_refused_however_both_are_spelled(
    line: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    written = [address.rstrip("/") for address in line if scheme_of(address) in {*STORES, None}]
    for root in written:
        for other in filter(scheme_of, line):  # a folder of this machine would have to be there
            given = {"input": {"path": other, "format": "csv"}, "output": {"path": f"{root}/out"}, "work": "runs"}
            with pytest.raises(PlanError, match=r"^output.path: is inside a folder of the input"):
                check_roots(parse(given))
        for other in written:
            given = {"input": {"path": "c.csv"}, "output": {"path": root}, "work": f"{other}/work"}
            with pytest.raises(PlanError, match=r"^work: is inside the folder of the published tables"):
                check_roots(parse(given))
            check_roots(parse({**given, "work": f"{other}.work"}))
            assert parse({**given, "work": f"{other}.work"}).work == f"{other}.work"


def test_a_query_is_charged_to_a_name_alone() -> None:
    """Another wording of it is the same data."""
    asked = {"input": {"sql": "SELECT * FROM cases"}, "privacy": {"epsilon": 1}}
    with pytest.raises(PlanError, match="data_set is needed for a query"):
        parse(asked)
    assert parse({**asked, "data_set": "cases"}).data_set_name == "cases"
    assert parse({"input": asked["input"]}).data_set_name == "SELECT * FROM cases"
