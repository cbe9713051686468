"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from releasing import hashes

GOLDEN = {
    "synthetic_records": "e51c2422126f2c737c49b66f19ad036fb8a24158294ad21513de9f2449160535",
    "aggregates": "0f6b6c60818125cf88b4d64de9311457b5bd6b5b4ccdc7e36d2a0e6dfd7b8430",
    "evaluation": "9f6837ff43b0603793b2de1e2bdef49e700c0ea7fcf884ad8f2b679cc4b2129f",
}


def test_the_demo_gives_the_golden_release(demo_of_the_wheel) -> None:
    assert hashes(demo_of_the_wheel.folder / "release") == GOLDEN
