"""The examples in the docstrings of modules that need no Java."""

import doctest
import importlib

import pytest

MODULES = [
    "aggregate.noisy_combinations",
    "assess.attacks.intervals",
    "encode.protected_counts",
    "privacy.accountant",
    "privacy.allocation",
    "privacy.units",
    "kernels.cells",
    "kernels.numba_cache",
    "kernels.counting.count_differences",
    "kernels.growth.part",
    "kernels.keyed_random",
    "kernels.arrow_codec",
    "schema.fields",
    "read.interval_edges",
    "runtime.s3",
    "exports.data_package.release_metadata",
    "exports.data_package.codebook",
    "exports.data_package.data",
    "exports.data_package.licences",
    "exports.spreadsheets",
    "exports.catalog.statements",
    "plan.addresses",
    "plan.date_patterns",
    "plan.loading",
    "plan.model",
    "library.keys",
    "library.looking",
    "library.published",
    "library.running",
    "plan.names",
    "plan.sources.folders",
    "plan.sources.formats",
    "plan.sources.layout",
    "plan.sources.signatures",
    "plan.sources.stores",
    "plan.sources.unpacking",
    "plan.sources.workbooks",
    "plan.yaml_text",
    "monitoring.lineage",
    "runtime.libraries",
    "errors",
    "monitoring.progress",
    "publish.lifecycle",
    "schema.plain_text",
    "report.scales",
    "exports.showcase.values",
    "storage.held",
    "storage.paths",
    "storage.root_files",
    "exports.warehouse.names",
    "exports.warehouse.statements",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    result = doctest.testmod(importlib.import_module(f"synth_spark.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
