"""Names of data sets: those of OpenLineage's specification, as its own client makes them."""

import pytest
from openlineage.client.naming import dataset as naming

from synth_spark import plan as plans
from synth_spark.monitoring.lineage import dataset_of, input_datasets

NAMED = {
    "s3://bucket/cases/2026.csv": naming.S3("bucket", "cases/2026.csv"),
    "s3a://bucket/cases/2026.csv": naming.S3("bucket", "cases/2026.csv"),
    "S3A://bucket/a.csv": naming.S3("bucket", "a.csv"),
    "gs://bucket/a.csv": naming.GCS("bucket", "a.csv"),
    "hdfs://namenode:8020/data/a.csv": naming.HDFS("namenode", "8020", "/data/a.csv"),
    "abfss://cases@account.dfs.core.windows.net/a.csv": naming.ABFSS("cases", "account", "/a.csv"),
    "abfs://cases@account.dfs.core.windows.net/a.csv": naming.ABFSS("cases", "account", "/a.csv"),
    "wasbs://cases@account.dfs.core.windows.net/a.csv": naming.WASBS("cases", "account", "a.csv"),
    "file:///data/a.csv": naming.LocalFileSystem("/data/a.csv"),
    "/data/a.csv": naming.LocalFileSystem("/data/a.csv"),
    "file://host/data/a.csv": naming.RemoteFileSystem("host", "/data/a.csv"),
}


@pytest.mark.parametrize("path", NAMED)
def test_a_path_is_named_as_the_specification_names_it(path: str) -> None:
    assert dataset_of(path) == (NAMED[path].get_namespace(), NAMED[path].get_name())


@pytest.mark.parametrize(
    ("path", "namespace"),
    [
        ("s3a://key:secret@bucket/a.csv", "s3://bucket"),
        ("hdfs://user@namenode:8020/a.csv", "hdfs://namenode:8020"),
        ("abfss://cases:secret@account.dfs.core.windows.net/a.csv", "abfss://cases@account.dfs.core.windows.net"),
    ],
)
def test_who_has_access_is_not_told(path: str, namespace: str) -> None:
    assert dataset_of(path)[0] == namespace


def test_an_address_without_a_host_is_no_path_of_this_machine() -> None:
    assert dataset_of("hdfs:///data/a.csv") == ("hdfs", "/data/a.csv")
    assert dataset_of("dbfs:/cases/a.csv") == ("dbfs", "/cases/a.csv")


@pytest.mark.parametrize(
    ("told", "namespace"), [({}, "catalog"), ({"lineage_catalog": "hive://host:9083"}, "hive://host:9083")]
)
def test_a_table_is_in_the_catalog_that_the_plan_names(told: dict[str, str], namespace: str) -> None:
    asked = plans.parse({"input": {"table": "cases.cases"}, "operations": told})
    assert [(one.namespace, one.name) for one in input_datasets(asked)] == [(namespace, "cases.cases")]
