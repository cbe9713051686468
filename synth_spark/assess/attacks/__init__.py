"""Attacks on synthetic records, and models trained on them: whole tables of codes in, rows of figures out. No Spark."""

from synth_spark.assess.attacks.anonymeter import Terms
from synth_spark.assess.attacks.examine import STEPS, examine

__all__ = ["STEPS", "Terms", "examine"]
