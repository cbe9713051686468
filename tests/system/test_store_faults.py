"""Faults of S3 and of HDFS on the wire: a whole release or the one before, one debit, and nothing that stays behind.

`make faults PLACE=s3` and `make faults PLACE=hdfs` go through hundreds of them; here are some of each kind.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from faulty_store import Strike
from inject_stores import StoredLine, stored_line
from stored_stands import hdfs_stand, s3_stand

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
    ("debit", Strike("failed", "complete")),
    ("debit", Strike("standby", times=3)),
    ("debit", Strike("lost", "rename2", "0001.json")),
    ("debit", Strike("kill-after", "rename2", "0001.json")),
]


@pytest.fixture(scope="module")
def line(s3_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredLine]:
    folder = tmp_path_factory.mktemp("struck")
    with s3_stand(folder, s3_environment) as stand, stored_line(stand, folder / "work") as line:
        yield line


@pytest.fixture(scope="module")
def line_in_hdfs(hdfs: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredLine]:
    folder = tmp_path_factory.mktemp("struck")
    with hdfs_stand(folder, hdfs) as stand, stored_line(stand, folder / "work") as line:
        yield line


@pytest.mark.takes("publications that are struck, and checked; some in processes of their own")
def test_some_faults_of_every_kind(line: StoredLine) -> None:
    for what, strike in SOME:
        line.strike(what, strike)
    assert line.told, "what lasts is an error"
    assert not any(word in text for text in line.told for word in ("invented", "Signature"))


def test_a_listing_that_fails_is_an_error_and_nothing_is_taken_for_left_over(line: StoredLine) -> None:
    line.strike("publication", Strike("lost-listing", times=-1))
    assert "cannot be read" in line.told[-1]


def test_processes_that_publish_at_once_under_faults(line: StoredLine) -> None:
    line.race(Strike("slow-down", times=2), Strike("lost", "PUT", "_commits/0"))


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
    assert ReleaseRepository(address).remnants() == []
    line.stand.proxy.arm()
    elsewhere.end("elsewhere")
    assert ReleaseRepository(address).remnants() == ["aggregates/run_id=elsewhere/"]
