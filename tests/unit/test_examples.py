"""The examples in the docstrings of modules that need no Java."""

import doctest
import importlib

import pytest

MODULES = [
    "aggregate.levels",
    "assess.rates",
    "aggregate.suppress",
    "budget.accountant",
    "budget.spending",
    "budget.values",
    "kernels.cells",
    "kernels.measures",
    "kernels.parts",
    "kernels.sampling",
    "kernels.wire",
    "fields",
    "read.edges",
    "packaging.about",
    "packaging.codebook",
    "packaging.data",
    "packaging.licences",
    "plan.loading",
    "plan.names",
    "operations.lineage",
    "operations.metrics",
    "errors",
    "progress",
    "releases",
    "report.scales",
    "show.values",
    "root",
    "warehouse.names",
    "warehouse.statements",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"synth_spark.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
