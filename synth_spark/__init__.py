"""synth-spark: private releases of sensitive case records, made on Spark."""

__version__ = "0.1.0"
