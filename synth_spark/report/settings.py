"""What was asked for of a release, as a report tells it."""

from synth_spark.plan import Plan
from synth_spark.report.narrative import PRIVATE

#: Parts of a plan that say nothing of how a release was made, or stand elsewhere in a report.
_ELSEWHERE = ("title", "run_id", "output", "assessment", "accepted", "showcase", "publication")


def settings(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What was asked for, without where the records are or how chance fell; only what differs from the defaults."""
    kept = plan.model_dump(mode="json", exclude=PRIVATE, exclude_defaults=True)
    always = {"privacy": plan.privacy.model_dump(mode="json"), "reporting_length": plan.reporting_length}
    always["synthesis"] = {"kind": plan.synthesis.kind, **kept.get("synthesis", {})}
    return tuple(_flat("", {key: value for key, value in {**kept, **always}.items() if key not in _ELSEWHERE}))


def _flat(prefix: str, content: dict[str, object]) -> list[tuple[str, str]]:
    rows = []
    for key, value in content.items():
        if isinstance(value, dict):
            rows += _flat(f"{prefix}{key}.", value)
        elif value is not None:
            rows.append((f"{prefix}{key}", str(value)))
    return rows
