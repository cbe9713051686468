"""Completion of the command in a shell, made from the parser, so that it knows what the command knows."""

import argparse
from collections.abc import Iterator

#: Shells that a script is made for.
SHELLS = ("bash", "zsh", "fish")
#: What stands for an argument in the help → whether it is a folder rather than a file; others are not completed.
_PATHS = {
    "FILE": False,
    "FILE.zip": False,
    "LEDGER": False,
    "PATH": False,
    "PLAN.yml": False,
    "FOLDER": True,
    "OUT": True,
    "RUN": True,
    "RUN_OR_OUT": True,
}


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """A script that has a shell complete commands, options, choices, and names of files and folders.

    Args:
        parser: of the command; is changed: its arguments say what completes them.
        shell: one of `SHELLS`.

    Returns:
        The script, to be evaluated by the shell.
    """
    import shtab

    for action in _actions(parser):
        if action.metavar in _PATHS:
            action.complete = shtab.DIRECTORY if _PATHS[str(action.metavar)] else shtab.FILE  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell))


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser, and of the parsers of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
