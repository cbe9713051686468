"""The command line as a platform starts it that calls a function: whatever is not a success is raised.

Some platforms (a wheel task of Databricks) call the entry point and take whatever returns for a success. They get the
exit code as `SystemExit`; a success returns, as some take even ``SystemExit(0)`` for a failure.
"""

import sys

from synth_spark.cli.main import main


def run() -> None:
    """Run the command that the process's arguments name.

    Raises:
        SystemExit: with the exit code, unless that is 0.
    """
    code = main(sys.argv[1:])  # the platform's process goes on: a session that was built is stopped
    if code:
        raise SystemExit(code)
