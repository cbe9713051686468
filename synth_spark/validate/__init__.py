"""Stage 6: the written tables against the contract of the release. A critical failure stops the release."""

from synth_spark.validate.audit import SCHEMA, Result, audit, contract, gate, load_library
from synth_spark.validate.proof import cuts, proof, weakest
from synth_spark.validate.singles import single_counts, synthetic_values

__all__ = [
    "SCHEMA",
    "Result",
    "audit",
    "contract",
    "cuts",
    "gate",
    "load_library",
    "proof",
    "single_counts",
    "synthetic_values",
    "weakest",
]
