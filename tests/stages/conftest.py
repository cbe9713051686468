"""A release that several modules look at, made once: as Parquet, and the same run published as Delta."""

from pathlib import Path

import pytest
from publishing import about_to_publish
from pyspark.sql import SparkSession
from releasing import release, write_csv

from synth_spark.pipeline import api
from synth_spark.pipeline.run import Run

_ROWS = "".join(
    f"{2010 + n % 5},{'Woman' if n % 3 else 'Man'},{'debt;threats' if n % 4 else 'threats'},{n % 2}\n"
    for n in range(120)
)


@pytest.fixture(scope="session")
def explored_cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cases of which one holds values that nobody else has."""
    text = f"year,sex,means,flag\n{_ROWS}2010,Other,shackles,1\n"
    return write_csv(tmp_path_factory.mktemp("cases") / "cases.csv", text)


@pytest.fixture(scope="session")
def explored(spark: SparkSession, explored_cases: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Format → the run, with all that is published on demand, in folders whose names read as patterns."""
    folder = tmp_path_factory.mktemp("explored") / "_of: paths" / ".a [12] {is,no} pattern *é"
    made = release(
        spark, explored_cases, folder / "parquet" / "out", run_id="One", title="Invented cases", privacy__k=4,
        input__multi_values={"means": ";"}, input__numbers={"year": {"edges": [2012, 2013, 2014]}},
        input__groups={"flag": {"values": {"1": "yes"}}}, output__long_form=True, output__indicators=True,
        publication={"licence": "CC-BY-4.0", "publisher": "Institute", "name": "invented", "version": "2.1"},
        showcase__columns={"sex": {"title": "Gender", "labels": {"Woman": "Women", "Nobody": "Concealed"}}},
        showcase__noun="cases",
    )  # fmt: skip
    again = about_to_publish(spark, made.store.folder, folder / "One", folder / "delta" / "out", "delta")
    again.store.forget(["publish"], [])
    api.resume(again)
    return {"parquet": made, "delta": again}
