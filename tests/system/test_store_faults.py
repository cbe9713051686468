"""Faults of an object store on the wire: a whole release or the one before, one debit, and nothing that stays behind.

`make faults PLACE=s3` goes through hundreds of them; here are some of each kind.
"""

from collections.abc import Iterator

import pytest
from faulty_store import Strike
from inject_stores import StoredLine, s3_stand, stored_line

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


@pytest.fixture(scope="module")
def line(s3_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredLine]:
    folder = tmp_path_factory.mktemp("struck")
    with s3_stand(folder, s3_environment) as stand, stored_line(stand, folder / "work") as line:
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
