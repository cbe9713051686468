"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from releasing import hashes

GOLDEN = {
    "synthetic_records": "54012eea7e47628909bea979eeb8ebdb6de7f0ac5044b5fe952ba5217345697a",
    "aggregates": "07a02d4503ad1968fd9133c430bc541a1b137ca6fb427dccd727c91dedae1e91",
    "evaluation": "98675dfe57e0d0f2048394914ae33dca5a3cd1187d540da55cea8c4955ecdb68",
}


def test_the_demo_gives_the_golden_release(demo_of_the_wheel) -> None:
    assert hashes(demo_of_the_wheel.folder / "release") == GOLDEN
