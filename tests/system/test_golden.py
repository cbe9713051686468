"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from releasing import GOLDEN, hashes


def test_the_demo_gives_the_golden_release(demo_of_the_wheel) -> None:
    assert hashes(demo_of_the_wheel.folder / "release") == GOLDEN
