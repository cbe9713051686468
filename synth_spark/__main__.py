"""`python -m synth_spark`: the command line."""

from synth_spark.cli.main import command

command()
