"""Completion in shells: the scripts know every command and option, and bash completes by the one that it is given."""

import shutil
import subprocess
from pathlib import Path

import pytest

from synth_spark.cli.completion import SHELLS, completion_script
from synth_spark.cli.main import COMMANDS, main
from synth_spark.cli.parser import parser


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_knows_every_command_and_its_options(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in (*COMMANDS, "epsilon", "public-domain", "log-format", "older-than", "grant", "rollback"):
        assert word in script, word


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["completion", "cmd"])
    assert ended.value.code == 2
    assert "invalid choice: 'cmd'" in capsys.readouterr().err


def completed(*words: str, folder: Path) -> set[str]:
    """What bash offers for the last of some words of the command."""
    ask = f"COMP_WORDS=(synth-spark {' '.join(words)} ''); COMP_WORDS=(\"${{COMP_WORDS[@]:0:{len(words) + 1}}}\")"
    script = f"{completion_script(parser(COMMANDS), 'bash')}\n{ask}; COMP_CWORD={len(words)}; {{call}}"
    found = subprocess.run(
        ["bash", "-c", script.replace("{call}", '_shtab_synth_spark; printf "%s\\n" "${COMPREPLY[@]}"')],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    return set(found.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_options_choices_and_paths(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "cases.csv").touch()
    assert completed("rel", folder=tmp_path) == {"releases"}
    assert completed("run", "--eps", folder=tmp_path) == {"--epsilon"}
    assert completed("ledger", "gr", folder=tmp_path) == {"grant"}
    assert completed("run", "--input", "ca", folder=tmp_path) == {"cases.csv"}
    assert completed("resume", "o", folder=tmp_path) == {"out"}
