"""The attacks of the real library, on tables of texts; run by `anonymeter_reference` in an environment of its own.

Arguments: a folder with trained.csv, control.csv and made.csv, and how many attacks; prints JSON: attack → rates of
success and risk.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

folder, attacks = Path(sys.argv[1]), int(sys.argv[2])
trained, control, made = (
    pd.read_csv(folder / f"{name}.csv", dtype=object, keep_default_na=False) for name in ("trained", "control", "made")
)
names = list(trained.columns)
left, right = names[::2], names[1::2]
evaluators = {
    "linkability": LinkabilityEvaluator(
        ori=trained, syn=made, control=control, aux_cols=(left, right), n_attacks=attacks, n_neighbors=1
    ),
    "inference": InferenceEvaluator(
        ori=trained, syn=made, control=control, aux_cols=names[1:], secret=names[0], n_attacks=attacks
    ),
    "singling out": SinglingOutEvaluator(ori=trained, syn=made, control=control, n_cols=3, n_attacks=attacks),
}
found = {}
for name, evaluator in evaluators.items():
    if name == "singling out":
        evaluator.evaluate(mode="multivariate")
    else:
        evaluator.evaluate(n_jobs=1)
    results = evaluator.results()
    found[name] = {
        "main": list(results.attack_rate),
        "control": list(results.control_rate),
        "risk": [results.risk().value, *results.risk().ci],
    }
print(json.dumps(found))
