"""Publications to stores, and faults on the wire: a release whole or the one before, one debit, nothing left.

`make faults PLACE=s3`, or ``hdfs``, ``gs`` or ``az``, goes through hundreds of them; here are some of each kind.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_store import Strike
from inject_stores import BEFORE, DURING, StoredLine, publish, stored_line
from stored_stands import PLACES, hdfs_stand

from synth_spark.cli.main import main
from synth_spark.publish.published_release import open_release
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.storage.places import place

#: What is struck, and by what: a publication and a debit at what decides them, and elsewhere.
SOME = [
    ("publication", Strike("failed", "PUT", "_manifests", times=-1)),
    ("publication", Strike("lost", "PUT", "_commits/0")),
    ("publication", Strike("slow-down", "PUT", "aggregates", times=3)),
    ("publication", Strike("too-many", "GET", "_documents")),
    ("publication", Strike("kill", "PUT", "_commits/0")),
    ("publication", Strike("kill-after", "PUT", "_commits/0")),
    ("publication", Strike("lost", "PUT", "_delta_log")),
    ("publication", Strike("kill-after", "PUT", "release/run_id=during/_delta_log")),
    ("debit", Strike("lost", "PUT", times=3)),
    ("debit", Strike("kill-after", "PUT")),
]
#: The same in HDFS, where a file takes its name by a rename.
SOME_IN_HDFS = [
    ("publication", Strike("lost", "rename2", "_commits/0")),
    ("publication", Strike("safe-mode", after=30, times=-1)),
    ("publication", Strike("gone", "create", "_documents")),
    ("publication", Strike("lost-listing", times=-1)),
    ("publication", Strike("kill", "rename2", "_commits/0")),
    ("publication", Strike("kill-after", "rename2", "_commits/0")),
    ("publication", Strike("lost", "rename2", "_delta_log")),
    ("publication", Strike("kill", "rename2", "release/run_id=during/_delta_log")),
    ("debit", Strike("failed", "complete")),
    ("debit", Strike("standby", times=3)),
    ("debit", Strike("lost", "rename2", "0001.json")),
    ("debit", Strike("kill-after", "rename2", "0001.json")),
]


@pytest.fixture(scope="module", params=["s3", "gs", "az"])
def line(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredLine]:
    folder, of = tmp_path_factory.mktemp("struck"), {"s3": "s3", "gs": "google", "az": "azure"}[request.param]
    environment = request.getfixturevalue(f"{of}_environment")
    with PLACES[request.param](folder, environment) as stand, stored_line(stand, folder / "work") as line:
        yield line


@pytest.fixture(scope="module")
def line_in_hdfs(hdfs: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredLine]:
    folder = tmp_path_factory.mktemp("struck")
    with hdfs_stand(folder, hdfs) as stand, stored_line(stand, folder / "work") as line:
        yield line


def test_a_release_is_that_of_a_folder_in_every_store(
    line: StoredLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same bytes under the same names, and the commands that change what is current take it."""
    stored, here = place(f"{line.stand.address}/undisturbed/out"), place(str(tmp_path / "out"))
    for root in (stored, here):
        publish(line.before, root.address)
        publish(line.during, root.address, "delta" if root is stored else "parquet")
        open_release(root.address).verify()
    held = {one.name for one in stored.entries(deep=True)}
    names = open_release(stored.address).tables
    logs = {f"{name}/run_id={DURING}/_delta_log/00000000000000000000.json" for name in names}
    assert held ^ {one.name for one in here.entries(deep=True)} == {".publishing", *logs}
    files = [name for name in held if name.endswith((".parquet", ".md"))]
    assert {name.partition("/")[0] for name in files} >= {"synthetic_records", "aggregates", "release", "RELEASE.md"}
    assert [stored.read(name) for name in files] == [here.read(name) for name in files]
    for words, told in (
        (["list", stored.address], f"*  {DURING}"),
        (["rollback", stored.address, BEFORE], f"{BEFORE} is the current release again, instead of {DURING}"),
        (["retire", stored.address, DURING], f"{DURING} is retired"),
        (["clean", stored.address], "nothing is left over"),
    ):
        assert main(["releases", *words]) == 0, capsys.readouterr().err
        assert told in capsys.readouterr().out
    assert not stored.entries(f"aggregates/run_id={DURING}", deep=True)
    open_release(stored.address).verify()


@pytest.mark.takes("publications that are struck, and checked; some in processes of their own")
def test_some_faults_of_every_kind(line: StoredLine) -> None:
    for what, strike in SOME:
        line.strike(what, replace(strike))  # which counts what it has struck
    assert line.told, "what lasts is an error"
    assert not any(word in text for text in line.told for word in ("invented", "Signature"))


def test_a_listing_that_fails_is_an_error_and_nothing_is_taken_for_left_over(line: StoredLine) -> None:
    line.strike("publication", Strike("lost-listing", times=-1))
    assert "cannot be read" in line.told[-1]


def test_processes_that_publish_at_once_under_faults(line: StoredLine) -> None:
    strikes = Strike("slow-down", times=2), Strike("lost", "PUT", "_commits/0")
    line.race(*strikes)
    assert [one.times for one in strikes] == [0, 0]  # both were met


def test_two_who_debit_at_once_one_of_them_killed(line: StoredLine) -> None:
    line.race_of_debits(Strike("kill-after", "PUT"))


@pytest.mark.takes("publications that are struck, and checked; some in processes of their own")
def test_some_faults_of_every_kind_in_hdfs(line_in_hdfs: StoredLine) -> None:
    line = line_in_hdfs
    for what, strike in SOME_IN_HDFS:
        line.strike(what, strike)
    assert set(line.found) == {*line.stand.wire, "kill", "kill-after"}
    assert any("SafeModeException" in text for text in line.told)
    line.race_of_debits(Strike("kill", "rename2"))


@pytest.mark.parametrize("kind", ["failed", "lost"])
def test_a_connection_to_hdfs_that_is_cut_once_is_no_error(line_in_hdfs: StoredLine, kind: str, tmp_path: Path) -> None:
    """The client asks once for what changes something; the place takes the step once more, and files are there once."""
    proxy, folder = line_in_hdfs.stand.proxy, place(f"{line_in_hdfs.stand.address}/cut/{kind}")
    file = tmp_path / "file"
    file.write_bytes(b"large")
    proxy.requests.clear()
    folder.write("first", b"1")
    asked = {verb for verb, _ in proxy.requests if verb != "getServerDefaults"}
    assert asked == {"create", "mkdirs", "addBlock", "fsync", "complete", "getBlockLocations", "rename2"}
    for verb in sorted(asked - {"addBlock"}):  # of which the client thinks that the block is there: it waits in vain
        proxy.arm(Strike(kind, verb))
        folder.write(f"{verb}/a", b"1")
        proxy.arm(Strike(kind, verb))
        folder.upload(file, f"{verb}/b")
        proxy.arm(Strike(kind, verb))
        made = folder.create(f"{verb}/c", b"3")
        assert made is not (verb == "rename2" and kind == "lost")  # then it is said to be there, and logs know it
        proxy.arm(Strike(kind, verb))
        with folder.prepared({f"{verb}/d": b"4"}) as put:
            put()
        assert [folder.read(f"{verb}/{name}") for name in "abcd"] == [b"1", b"large", b"3", b"4"], verb
    proxy.arm(Strike(kind, "delete"))
    folder.delete(["create/a"])
    proxy.arm(Strike(kind, "delete"))
    folder.delete_folder("rename2")
    proxy.arm()
    assert not folder.exists("create/a")
    assert folder.entries("rename2") == []
    assert folder.abandoned(alone=True) == []


def test_what_is_under_way_stays_though_no_listing_tells_of_its_mark(line: StoredLine) -> None:
    """Its own mark is asked for, by name."""
    address = f"{line.stand.address}/unlisted"
    for name, content in line.whole.items():
        place(address).write(name, content)
    elsewhere = ReleaseRepository(address)
    elsewhere.begin("elsewhere", "parquet", ["aggregates"])
    elsewhere.table("elsewhere", "aggregates").write("part-00000.parquet", b"1")
    line.stand.proxy.arm(Strike("empty-listing", path="_publishing", times=-1))
    assert place(address).entries("_publishing") == []
    assert ReleaseRepository(address).remnants() == []
    line.stand.proxy.arm()
    elsewhere.end("elsewhere")
    assert ReleaseRepository(address).remnants() == ["aggregates/run_id=elsewhere/"]
