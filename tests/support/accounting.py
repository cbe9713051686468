"""What a private run has drawn, line by line, and what that costs by another accountant than the product's."""

import math

import dp_accounting
from dp_accounting.pld import PLDAccountant

from synth_spark.pipeline.run import Run
from synth_spark.schema import tables


def lines_of(run: Run) -> dict[str, list[float]]:
    """Purpose → the scale of each of its draws, over the square root of its squared sensitivity.

    Scales are those that are kept beside the noise, where they are. A choice costs as much as Gaussian noise of its ρ:
    ε² / 8 of an exponential mechanism (Cesar and Rogers 2021).
    """
    held = [run.plan.private_terms.values_a_record if one.many else 1 for one in run.fields]
    of_column = dict(zip(run.values["column"].to_pylist(), run.values["sigma"].to_pylist(), strict=True))
    found = {"values": [sigma / math.sqrt(held[column]) for column, sigma in of_column.items()]}
    if run.plan.synthesis.kind == "marginal_matching":
        if "size" in run.store.facts["drawn"]:
            found["records"] = [float(run.spending.on("records").sigma())]
        found["pairs"] = run.kept(tables.NOISY_PAIRS).arrow()["sigma"].to_pylist()
        if tables.NOISY_SCORES.name in run.store.manifest["tables"]:
            scores = run.kept(tables.NOISY_SCORES).arrow()["sigma"].to_pylist()  # a record changes each of them by 1
            found["triple scores"] = [scores[0] / math.sqrt(len(scores))]
            found["triples"] = run.kept(tables.NOISY_TRIPLES).arrow()["sigma"].to_pylist()
        return found
    found["records"] = [float(run.spending.on("records").sigma())]
    for name, cap in run.store.facts["drawn"].items():
        if name.startswith("cap "):
            length = name.removeprefix("cap ")
            found[name] = [float(run.spending.on(name).sigma())]
            found[f"length {length}"] = [float(run.spending.on(f"length {length}").sigma(cap)) / math.sqrt(cap)]
    return found


def epsilon_of_all(lines: dict[str, list[float]], delta: float) -> float:
    """ε at δ of all draws together, by composing their privacy losses one by one."""
    accountant = PLDAccountant()
    for multipliers in lines.values():
        for multiplier in multipliers:
            accountant.compose(dp_accounting.GaussianDpEvent(multiplier))
    return float(accountant.get_epsilon(delta))
