"""Notebooks as a person opens them: their cells in a kernel of its own, in which no session is."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from installing import ROOT, clean_environment, short_lived
from nbclient import NotebookClient

#: What begins a cell, and what says that it is text.
_CELL, _TEXT = "# %%", " [markdown]"


def notebook_of(path: Path) -> Any:
    """The notebook that a file of cells is, as editors open it."""
    cells = []
    for part in path.read_text(encoding="utf-8").split(f"{_CELL}")[1:]:
        head, _, body = part.partition("\n")
        if head.startswith(_TEXT):
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines()]
            cells.append(nbformat.v4.new_markdown_cell("\n".join(lines)))
        else:
            cells.append(nbformat.v4.new_code_cell(body.strip()))
    return nbformat.v4.new_notebook(cells=cells)


class Kernel:
    """A kernel that runs notebooks one after the other, each as if nothing had been named before."""

    def __init__(self, client: NotebookClient) -> None:
        self._client = client

    def run(self, path: Path) -> list[list[Any]]:
        """Run a notebook; gives the outputs of each cell of code. An error in a cell is raised."""
        self.execute([nbformat.v4.new_code_cell("%reset_selective -f ^[^_]")])
        return self.execute(list(notebook_of(path).cells))

    def ask(self, code: str) -> str:
        """Run some code, and give the text that it prints."""
        (outputs,) = self.execute([nbformat.v4.new_code_cell(code)])
        return "".join(one["text"] for one in outputs if one["output_type"] == "stream" and one["name"] == "stdout")

    def execute(self, cells: list[Any]) -> list[list[Any]]:
        """Run cells; gives the outputs of each one of code."""
        self._client.nb.cells = cells
        for index, cell in enumerate(cells):
            self._client.execute_cell(cell, index)
        return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]


@contextmanager
def kernel(folder: Path, **environment: str) -> Iterator[Kernel]:
    """A kernel of this environment, in a folder, with nothing of this process's Spark."""
    python = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    told: Mapping[str, str] = clean_environment(PYTHONPATH=python, JAVA_TOOL_OPTIONS=short_lived(), **environment)
    client = NotebookClient(nbformat.v4.new_notebook(), timeout=600, kernel_name=_spec(folder))
    with client.setup_kernel(cwd=str(folder), env=dict(told)):
        yield Kernel(client)


def _spec(folder: Path) -> str:
    """The name of a kernel of this very Python; it is written where this process alone looks for kernels."""
    place = folder / "jupyter" / "kernels" / "here"
    place.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (place / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "here", "language": "python"}))
    os.environ["JUPYTER_PATH"] = str(folder / "jupyter")
    return "here"


def shown(outputs: list[Any], kind: str) -> list[Any]:
    """What a cell showed of a kind, such as ``text/html``."""
    return [one["data"][kind] for one in outputs if kind in one.get("data", {})]
