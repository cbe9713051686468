"""Packages of a real release, as Parquet and as Delta: made of what is published, and of nothing else."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from packing import contents, table
from pyspark.sql import SparkSession
from releasing import published

from synth_spark.cli.main import main
from synth_spark.exports.data_package import package
from synth_spark.pipeline.run import Run
from synth_spark.publish.published_release import open_release

SECRETS = ("Other", "shackles", "Nobody", "Concealed", "cases.csv")


@pytest.fixture(scope="module")
def outs(explored: dict[str, Run]) -> dict[str, Path]:
    return {form: Path(run.plan.output.path) for form, run in explored.items()}


@pytest.fixture(scope="module")
def files(spark: SparkSession, outs: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    folder = tmp_path_factory.mktemp("zips")
    return {form: contents(package(open_release(out), folder / form / "invented-One.zip", spark))
            for form, out in outs.items()}  # fmt: skip


def test_a_package_is_what_was_published(files: dict[str, dict], outs: dict[str, Path]) -> None:
    found, out = files["parquet"], outs["parquet"]
    for name in open_release(out).tables:
        if name != "release":
            frame = published(out, name)
            assert table(found, f"data/{name}.csv").shape == frame.shape
            pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(found[f"data/{name}.parquet"])), frame)
    records, told = published(out, "synthetic_records"), table(found, "data/synthetic_records.csv")
    assert told.where(told.notna(), None).equals(records.where(records.notna(), None))
    for name in ("RELEASE.md", "QUALITY.md", "report.html", "showcase.html"):
        assert found[name].decode() == (out / name).read_text(encoding="utf-8")
    assert "CC-BY-4.0" in found["LICENCE.txt"].decode()
    row = json.loads(found["release.json"])
    assert row["plan"]["publication"]["version"] == "2.1"
    assert row["privacy"] == "k_anonymity"


def test_nothing_else_is_in_it(files: dict[str, dict]) -> None:
    for found in files.values():
        told = b"".join(content for name, content in found.items() if not name.endswith((".html", ".parquet")))
        for secret in SECRETS:
            assert secret.encode() not in told, secret
        assert b'"seed"' not in told
        assert not [name for name in found if "audit_results" in name or name.endswith("manifest.json")]


def test_the_codebook_counts_what_the_tables_hold(files: dict[str, dict], outs: dict[str, Path]) -> None:
    found, out = files["parquet"], outs["parquet"]
    records, counts = published(out, "synthetic_records"), published(out, "aggregates")
    values, singles = table(found, "codebook_values.csv"), counts[counts.length == 1]
    for column in ("year", "sex", "flag"):
        own = values[values.column == column].set_index("value")
        assert own.synthetic_count.astype(int).to_dict() == records[column].value_counts().to_dict()
        expected = singles.dropna(subset=[column]).set_index(column).protected_count.to_dict()
        assert own.protected_count.astype(int).to_dict() == expected
    pieces = records.means.dropna().str.split(";").explode().value_counts().to_dict()
    assert values[values.column == "means"].set_index("value").synthetic_count.astype(int).to_dict() == pieces
    assert values[values.column == "year"].value.tolist()[0] == "under 2012"
    assert values[values.value == "Woman"].label.tolist() == ["Women"]
    columns = table(found, "codebook.csv")
    own = columns[columns.table == "synthetic_records"].set_index("column")
    edges = "numbers became intervals, whose ends the values name"
    assert own.generalisation.dropna().to_dict() == {"year": edges, "flag": "codes became groups"}
    assert own.missing.astype(int).to_dict() == records.isna().sum().to_dict()
    wide = columns[columns.table == "synthetic_indicators"].set_index("column")
    assert wide.loc["means_debt", "meaning"] == "1 where the record holds this value of means"
    explained = columns[~columns.table.isin(["synthetic_records", "synthetic_indicators"])]
    assert set(explained[explained.meaning.isna()].column) <= {"year", "sex", "means", "flag"}


def test_delta_gives_the_same_package(files: dict[str, dict]) -> None:
    """All but what tells of the format, and hashes of that."""
    one, other = files["parquet"], files["delta"]
    assert set(one) == set(other)
    different = {name for name in one if one[name] != other[name]}
    assert different == {"release.json", "datapackage.json", "SHA256SUMS"}


def test_a_package_is_the_same_again_and_made_of_the_run_folder_s_root(
    explored: dict[str, Run], outs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["package", str(explored["parquet"].store.folder)]) == 0
    first = (tmp_path / "invented-One.zip").read_bytes()
    assert package(open_release(outs["parquet"]), tmp_path / "again.zip").read_bytes() == first
    for name in ("a.zip", "b.zip"):
        assert main(["package", str(outs["delta"]), "--output", name]) == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
