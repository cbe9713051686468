"""`python -m synth_spark`: the command line."""

import sys

from synth_spark.cli import main

sys.exit(main())
