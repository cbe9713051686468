"""One stage of an existing run as a job: spark-submit jobs/stage.py NAME RUN."""

import sys

from synth_spark.cli.main import main

sys.exit(main(["stage", *sys.argv[1:]]))
