"""Which rules a release may be published in spite of: known from the plan alone, so before any work."""

from collections.abc import Collection

from synth_spark.errors import PlanError
from synth_spark.plan import Plan, nearest
from synth_spark.schema.verdicts import Rule
from synth_spark.validate.audit import contract
from synth_spark.validate.differencing_rules import DIFFERENCING
from synth_spark.validate.private_contract import private_contract


def acceptable(plan: Plan) -> set[str]:
    """Names of the warnings that a run of this plan may break, and somebody may accept.

    Args:
        plan: what is asked for.
    """
    own = {rule.rule for rule in plan.rules if rule.severity == "warning"}
    contracted = {_name(rule) for rule in _contract(plan) if rule.severity == "warning"}
    # The rules about an earlier release, too: a plan may accept them before there is one.
    return own | contracted | set(DIFFERENCING)


def check_accepted(plan: Plan, rules: Collection[str]) -> None:
    """Refuse names that are no warnings of a run of this plan.

    Args:
        plan: what is asked for.
        rules: what is to be accepted.

    Raises:
        PlanError: one is critical, or no rule.
    """
    warnings = acceptable(plan)
    critical = {_name(rule) for rule in _contract(plan)} | {rule.rule for rule in plan.rules}
    for rule in rules:
        if rule in warnings:
            continue
        problem = "is critical and cannot be accepted" if rule in critical else "is no rule of this release"
        remedy = "mend what breaks it" if rule in critical else f"did you mean {nearest(rule, sorted(warnings))}?"
        raise PlanError(f"accepted {rule}", problem, remedy)


def _contract(plan: Plan) -> list[Rule]:
    """The rules of the contract that a run of this plan may have."""
    constrained, length = bool(plan.input.constraints), plan.reporting_length
    if plan.privacy.noisy:
        return private_contract(length, constrained, True, "equal")
    return contract(plan.privacy.k, length, "equal", constrained, True)


def _name(rule: Rule) -> str:
    return f"{rule.suite}.{rule.name}"
