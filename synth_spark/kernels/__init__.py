"""Arithmetic on arrays: arrays in, arrays out. No Spark, no files, no randomness that is not an argument."""
