"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from releasing import hashes

GOLDEN = {
    "synthetic_records": "c9dc516a8d4d6a429caf05154b4ab7f56a41b68f4e27b646c77aa7f97ba178c8",
    "aggregates": "0f6b6c60818125cf88b4d64de9311457b5bd6b5b4ccdc7e36d2a0e6dfd7b8430",
    "evaluation": "701c65abab2df70da8a0f0fc6b151714fd6edca924bd274b69e25245496969ed",
}


def test_the_demo_gives_the_golden_release(demo_of_the_wheel) -> None:
    assert hashes(demo_of_the_wheel.folder / "release") == GOLDEN
