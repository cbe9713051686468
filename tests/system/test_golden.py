"""The demo's release, by its content: a change that alters it must be meant, and say so in the changelog."""

from releasing import hashes

GOLDEN = {
    "synthetic_records": "3ff9e090f6b7ccdfb75b8d7e340804e7869b480c234497b60a2b98cb8eba2427",
    "aggregates": "07a02d4503ad1968fd9133c430bc541a1b137ca6fb427dccd727c91dedae1e91",
    "evaluation": "35d443b72158d0adf34761ec7f3a5e972c8c926b0dc96d04295ba0e6e4673ee3",
}


def test_the_demo_gives_the_golden_release(demo_of_the_wheel) -> None:
    assert hashes(demo_of_the_wheel.folder / "release") == GOLDEN
