"""What was asked for of a release, as a report tells it."""

from synth_spark.plan import Plan, published

#: Parts of a published plan that say nothing of how a release was made, or stand elsewhere in a report.
_ELSEWHERE = ("title", "output", "assessment", "publication")


def settings(plan: Plan) -> tuple[tuple[str, str], ...]:
    """What was asked for, as far as it may be published; only what differs from the defaults, and privacy."""
    kept, whole = published(plan, defaults=False), published(plan)
    always = {name: whole[name] for name in ("privacy", "reporting_length")}
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
