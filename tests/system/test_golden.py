"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from releasing import hashes

GOLDEN = {
    "synthetic_records": "509c95cb665a056a7cd7e20790c32909b55c05140ba23e6fa8df6418576b9cf7",
    "aggregates": "5e024c3eafd0b580c0a0e22550d52e3294bad1314afe814947fe6d3e51d4bd41",
    "evaluation": "085b07f050e3bad4cbc24a22999b5e18abae09b053d5e517ed9b5818168dcdc4",
}


def test_the_demo_gives_the_golden_release(demo_of_the_wheel) -> None:
    assert hashes(demo_of_the_wheel.folder / "release") == GOLDEN
