"""Stage 6: the written tables against the contract of the release. A critical failure stops the release."""

from synth_spark.schema.verdicts import ENOUGH_ADDED, EVERYONE_COMPARED, Result, Rule
from synth_spark.validate.acceptable import acceptable, check_accepted
from synth_spark.validate.audit import (
    audit,
    check_columns,
    contract,
    gate,
    load_library_beside,
    overall,
    quality_results,
)
from synth_spark.validate.differencing_rules import (
    DIFFERENCING,
    differencing_results,
    differencing_rules,
)
from synth_spark.validate.evidence import Evidence, evidence
from synth_spark.validate.joint_bounds import Told, joint_bounds
from synth_spark.validate.plan_rules import check_rules, own_results
from synth_spark.validate.private_contract import PrivateRelease, audit_private, private_contract
from synth_spark.validate.proof import claimed, cuts, proof, weakest
from synth_spark.validate.record_bounds import record_bounds
from synth_spark.validate.recount import Share, common_attributes, recount
from synth_spark.validate.single_counts import single_counts, synthetic_values

__all__ = [
    "DIFFERENCING",
    "ENOUGH_ADDED",
    "EVERYONE_COMPARED",
    "Evidence",
    "PrivateRelease",
    "Result",
    "Rule",
    "Share",
    "Told",
    "acceptable",
    "audit",
    "audit_private",
    "check_accepted",
    "check_columns",
    "check_rules",
    "claimed",
    "common_attributes",
    "contract",
    "cuts",
    "differencing_results",
    "differencing_rules",
    "evidence",
    "gate",
    "joint_bounds",
    "load_library_beside",
    "overall",
    "own_results",
    "private_contract",
    "proof",
    "quality_results",
    "record_bounds",
    "recount",
    "single_counts",
    "synthetic_values",
    "weakest",
]
