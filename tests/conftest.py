"""One Spark session a process, where the shared data sets are, who runs beside whom, and what took longest."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from azure_server import azure_server, azurite
from gcs_server import gcs_server
from hdfs_server import hdfs_classes, hdfs_server
from pyspark.sql import SparkSession
from s3_server import s3_server
from sharing import SHARED, alone

#: Folders of tests, those whose modules take longest first: two processes then end at about the same time.
ORDER = ("system", "privacy", "stages", "unit")
#: What tests begin with that look at runs which others make → the module of those.
TOGETHER = {
    "tests/stages/test_packaging.py": "tests/stages/test_showing.py",
    "tests/system/test_golden.py": "tests/system/test_installed.py",
    "tests/system/test_real_data.py::test_release_of_real_data[ctdc": "tests/system/test_cluster.py",
}
#: A test that takes longer says why, with the mark ``takes``, or is work to be done; seconds.
LONG = 20


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where ledgers are that nobody names: a folder of this process, never that of who runs the tests."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of this run of the tests have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if hasattr(request.config, "workerinput") else folder


@pytest.fixture(scope="session")
def spark(common: Path) -> Iterator[SparkSession]:
    """A local session as the product starts it, with few partitions, and with Delta where there is one."""
    from synth_spark.errors import EngineError
    from synth_spark.runtime.class_archive import java_options
    from synth_spark.runtime.libraries import with_delta
    from synth_spark.runtime.session import check_java, local_settings

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local[2]").appName("tests")
    with suppress(EngineError):
        builder = with_delta(builder)
    settings = local_settings(more=java_options(check_java()))
    settings |= {"spark.sql.shuffle.partitions": "2", "spark.driver.memory": "2g"}
    for key, value in settings.items():
        builder = builder.config(key, value)
    with alone(common, "session"):  # the first one on a machine downloads Delta's jars
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def s3_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real S3 server, started by the first test that asks for it: the environment by which it is found and used."""
    with s3_server(tmp_path_factory.mktemp("s3")) as environment:
        yield environment


@pytest.fixture
def s3(s3_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The scheme of addresses of a real S3 server that this process may use."""
    for name, value in s3_environment.items():
        monkeypatch.setenv(name, value)
    return "s3"


@pytest.fixture(scope="session")
def azure_environment(common: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A real server of Azure's blobs with a container ``places``: the environment by which it is found and used."""
    if shutil.which("npm") is None:
        assert "SYNTH_SPARK_CI" not in os.environ, "CI must have npm"
        pytest.skip("npm is not here, which installs the server")
    with alone(common, "azurite"):
        program = azurite()
    with azure_server(program, tmp_path_factory.mktemp("azure"), "places") as environment:
        yield environment


@pytest.fixture
def az(azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The scheme of addresses of a real server of Azure's blobs that this process may use."""
    for name, value in azure_environment.items():
        monkeypatch.setenv(name, value)
    return "az"


@pytest.fixture(scope="session")
def google_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server in the place of Google storage with a bucket ``places``, see `gcs_server`: how it is found and used."""
    with gcs_server(tmp_path_factory.mktemp("google"), "places") as environment:
        yield environment


@pytest.fixture
def gs(google_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The scheme of addresses of a server in the place of Google storage that this process may use."""
    for name, value in google_environment.items():
        monkeypatch.setenv(name, value)
    return "gs"


@pytest.fixture(scope="session")
def hdfs(common: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real HDFS, started by the first test that asks for it."""
    with alone(common, "hdfs"):
        classes = hdfs_classes()
    with hdfs_server(classes, tmp_path_factory.mktemp("hdfs")) as address:
        yield address


@pytest.fixture
def shared() -> Path:
    """The folder of shared data sets; skips the test where it is not, except in CI."""
    if not SHARED.is_dir():
        assert "SYNTH_SPARK_CI" not in os.environ, "CI must have the shared data sets"
        pytest.skip("the shared data sets are not here")
    return SHARED


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests of a module go to one process, as do those of `TOGETHER`."""
    from xdist.scheduler import LoadScopeScheduling

    class ByRun(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((group for start, group in TOGETHER.items() if nodeid.startswith(start)), nodeid.split("::")[0])

    return ByRun(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those that take longest first, see `ORDER`; and the reasons of those that take long, for the table at the end."""
    for item in items:
        item.user_properties += [("takes", mark.args[0]) for mark in item.iter_markers("takes")]
    items.sort(key=lambda item: ORDER.index(item.path.parent.name) if item.path.parent.name in ORDER else len(ORDER))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The twenty tests that took longest, and why they do; fixtures are told by the test that was the first to ask."""
    took: dict[tuple[str, bool], float] = {}
    reasons: dict[str, str] = {}
    for report in (report for reports in terminalreporter.stats.values() for report in reports):
        if getattr(report, "when", None) in ("setup", "call"):
            took[report.nodeid, report.when == "call"] = report.duration
            reasons[report.nodeid] = dict(report.user_properties).get("takes", "")
    if took:
        terminalreporter.section("slowest 20 tests, and fixtures")
    for (test, itself), seconds in sorted(took.items(), key=lambda row: -row[1])[:20]:
        reason = (reasons[test] or ("NO REASON GIVEN" if seconds > LONG else "")) if itself else "its fixtures"
        terminalreporter.write_line(f"{seconds:7.1f} s  {test}{reason and f'  ({reason})'}")
