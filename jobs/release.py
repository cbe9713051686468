"""The whole line as a job: spark-submit jobs/release.py PLAN.yml [--set key=value …]."""

import sys

from synth_spark.cli.main import main

sys.exit(main(["run", *sys.argv[1:]]))
