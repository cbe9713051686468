"""Publications to object stores, and faults on the wire: a release whole or the one before, one debit, nothing left.

`make faults PLACE=s3`, or ``gs`` or ``az``, goes through hundreds of them; here are some of each kind.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_store import Strike
from inject_stores import BEFORE, DURING, PLACES, StoredLine, publish, stored_line

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
    ("debit", Strike("lost", "PUT", times=3)),
    ("debit", Strike("kill-after", "PUT")),
]


@pytest.fixture(scope="module", params=["s3", "gs", "az"])
def line(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoredLine]:
    folder, of = tmp_path_factory.mktemp("struck"), {"s3": "s3", "gs": "google", "az": "azure"}[request.param]
    environment = request.getfixturevalue(f"{of}_environment")
    with PLACES[request.param](folder, environment) as stand, stored_line(stand, folder / "work") as line:
        yield line


def test_a_release_is_that_of_a_folder_in_every_store(
    line: StoredLine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same bytes under the same names, and the commands that change what is current take it."""
    stored, here = place(f"{line.stand.address}/undisturbed/out"), place(str(tmp_path / "out"))
    for root in (stored, here):
        for folder in (line.before, line.during):
            publish(folder, root.address)
        open_release(root.address).verify()
    held = {one.name for one in stored.entries(deep=True)}
    assert held ^ {one.name for one in here.entries(deep=True)} == {".publishing"}
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
    assert not stored.entries(f"aggregates/run_id={DURING}")
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
