"""Published releases in warehouses: PostgreSQL and DuckDB, by one contract of names, types and additions."""

from synth_spark.exports.warehouse.contract import Contract, contract_of, evolves
from synth_spark.exports.warehouse.loading import LOADS, Loaded, load

__all__ = ["LOADS", "Contract", "Loaded", "contract_of", "evolves", "load"]
