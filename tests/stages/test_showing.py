"""A release brings its showcase, made of what is published alone; afterwards it can be made again, and is the same."""

import base64
import gzip
import json
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from pyspark.sql import SparkSession
from releasing import another, published, release

from synth_spark import demo
from synth_spark.cli.main import main
from synth_spark.errors import PlanError, PublishError
from synth_spark.exports.showcase.serve import opened
from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run
from synth_spark.publish.published_release import open_release


@pytest.fixture(scope="module")
def cases(explored_cases: Path) -> Path:
    return explored_cases


@pytest.fixture(scope="module", params=["parquet", "delta"])
def run(request: pytest.FixtureRequest, explored: dict[str, Run]) -> Run:
    return explored[request.param]


def unpacked(page: str) -> str:
    """The data inside a page, as far as it is text."""
    data = re.search(r'id="data">([^<]*)<', page)
    assert data
    return gzip.decompress(base64.b64decode(data[1])).decode(errors="replace")


def test_the_showcase_is_published_and_can_be_made_again(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(run.plan.output.path)
    page = (root / "showcase.html").read_text(encoding="utf-8")
    told = page + unpacked(page)
    for secret in ("Other", "shackles", "Nobody", "Concealed", "cases.csv"):
        assert secret not in told, secret
    assert "Women" in told
    again = root.parent / "again.html"
    assert main(["show", str(run.store.folder), "--output", str(again)]) == 0
    assert str(again) in capsys.readouterr().out
    assert again.read_text(encoding="utf-8") == page


def test_the_release_tells_how_it_is_presented(run: Run, spark: SparkSession) -> None:
    row = open_release(Path(run.plan.output.path)).arrow("release", spark).to_pylist()[0]
    told = json.loads(row["presentation"])
    assert told["columns"]["sex"] == {
        "title": "Gender", "description": "", "kind": "automatic", "order": [], "labels": {"Woman": "Women"}
    }  # fmt: skip
    assert "showcase" not in json.loads(row["plan"])
    sentences = json.loads(row["sentences"])
    document = (Path(run.plan.output.path) / "RELEASE.md").read_text(encoding="utf-8")
    assert all(f"{number}. {sentence}" in document for number, sentence in enumerate(sentences, 1))


def test_long_forms_hold_what_the_wide_tables_hold(run: Run, spark: SparkSession) -> None:
    found = open_release(Path(run.plan.output.path))
    for wide_name, long_name, key in (
        ("synthetic_records", "synthetic_attributes", "record_id"),
        ("aggregates", "aggregate_attributes", "combination_id"),
    ):
        kept = {name: pd.read_parquet(run.store.folder / "tables" / name) for name in (wide_name, long_name)}
        assert found.arrow(long_name, spark).num_rows == len(kept[long_name])
        expected = [
            (row, name, value)
            for row, cells in enumerate(kept[wide_name][["year", "sex", "means", "flag"]].to_dict("records"))
            for name, cell in cells.items()
            if isinstance(cell, str)
            for value in (cell.split(";") if name == "means" else [cell])
        ]
        told = kept[long_name][[key, "column", "value"]].itertuples(index=False, name=None)
        assert sorted(told) == sorted(expected)
    counts = kept["aggregate_attributes"].merge(
        kept["aggregates"].reset_index(), left_on="combination_id", right_on="index"
    )
    assert (counts.protected_count_x == counts.protected_count_y).all()
    assert (counts.groupby("combination_id").size() == counts.groupby("combination_id").length_x.first()).all()


def test_a_showcase_can_be_left_out_and_must_make_sense(
    explored: dict[str, Run], spark: SparkSession, cases: Path, tmp_path: Path
) -> None:
    left_out = {"showcase": {"make": False}, "output__long_form": False}
    api.resume(another(explored["parquet"], tmp_path / "out", "without", "publish", **left_out))
    assert not (tmp_path / "out" / "showcase.html").exists()
    assert "synthetic_attributes" not in json.loads((tmp_path / "out" / "LATEST.json").read_text())["tables"]
    assert len(published(tmp_path / "out", "synthetic_records")) > 0
    with pytest.raises(PlanError, match="showcase: names no column 'yaer'; did you mean 'year'"):
        api.resume(another(explored["parquet"], tmp_path / "none", "wrong", "publish", showcase={"hidden": ["yaer"]}))
    with pytest.raises(PlanError, match=r"showcase.texts.pgae"):
        release(spark, cases, tmp_path / "none", privacy__k=4, showcase__texts={"pgae": "x"})
    with pytest.raises(PublishError, match="holds no manifest"):
        open_release(tmp_path)
    assert main(["show", str(tmp_path)]) == 6


def test_it_is_served_on_this_machine_alone() -> None:
    with opened("<p>page</p>", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        with urllib.request.urlopen(address) as answer:
            assert answer.read() == b"<p>page</p>"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        for wrong in (urllib.request.Request(address, headers={"Host": "evil.example"}), f"{address}other"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(wrong)
        server.shutdown()
    assert server.server_address[0] == "127.0.0.1"


def test_the_queries_for_dashboards_say_the_same_of_both_tables(spark: SparkSession, tmp_path: Path) -> None:
    """The queries of docs/dashboards.md, on a release of demo cases; single counts are exact, pairs estimates."""
    demo.write_csv(spark, tmp_path / "cases.csv", 800, seed=4)
    asked = ["yearOfRegistration", "gender", "ageBroad", "citizenship"]
    release(
        spark, tmp_path / "cases.csv", tmp_path / "out", privacy__k=5, input__columns=asked, reporting_length=2,
        output__long_form=True, showcase__make=False,
    )  # fmt: skip
    text = (Path(__file__).parents[2] / "docs" / "dashboards.md").read_text(encoding="utf-8")
    queries = [one for one in re.split(r"-- .*\n", re.findall(r"```sql\n(.*?)```", text, re.S)[0]) if one.strip()]
    base = duckdb.connect()
    for table in ("synthetic_attributes", "aggregates"):
        base.register(table, published(tmp_path / "out", table))
    estimated, reported = (dict(base.execute(query).fetchall()) for query in queries)
    records = published(tmp_path / "out", "synthetic_records")
    women = records[records.gender == "Woman"].yearOfRegistration.value_counts()
    assert estimated == women.to_dict()
    told = published(tmp_path / "out", "aggregates")
    told = told[(told.length == 2) & (told.gender == "Woman") & told.yearOfRegistration.notna()]
    assert len(told) > 5
    assert reported == dict(zip(told.yearOfRegistration, told.protected_count, strict=True))
