"""The published tables as tables of a catalog, which follow a published root."""

from synth_spark.exports.catalog.following import follow, lasts, withdraw

__all__ = ["follow", "lasts", "withdraw"]
