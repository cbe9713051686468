"""Stage 6: the written tables against the contract of the release. A critical failure stops the release."""

from synth_spark.validate.audit import SCHEMA, Result, audit, gate
from synth_spark.validate.proof import blocks_of, proof, weakest
from synth_spark.validate.singles import single_counts, synthetic_values

__all__ = ["SCHEMA", "Result", "audit", "blocks_of", "gate", "proof", "single_counts", "synthetic_values", "weakest"]
