"""What MkDocs does not know by itself: pages made of files outside docs/, and names of pages in texts made into links.

The README is the first page; the changelog, how to work on the product and the notebooks are pages, too. Every room of
the package has one, which mkdocstrings fills from the docstrings of its modules. Nothing is executed.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "synth_spark"
#: Files outside docs/ → the pages that they are.
BESIDE = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
#: The name of a page in a text, with its folder or without.
_NAMED = re.compile(r"(?<![`\[])`(?:docs/)?((?:decisions/)?[\w-]+\.md)`(?!\])")
#: What a run writes, and no page of the documents although its name is one.
_WRITTEN = {"input.md", "quality.md", "report.md", "inspect.md", "codebook.md"}
_CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)
_MAGIC = "# Databricks notebook source\n"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that no file of docs/ is."""
    for name, page in BESIDE.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding="utf-8")))
    for notebook in sorted((ROOT / "notebooks").glob("*.py")):
        files.append(File.generated(config, f"tutorials/{notebook.stem}.md", content=tutorial(notebook)))
    for module, text in reference():
        files.append(File.generated(config, f"reference/{module}.md", content=text))
    files.append(File.generated(config, "reference/index.md", content=contents()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links of the names of pages, outside blocks of code."""
    del config
    known = {name for name in files.src_uris if "/" not in name or name.startswith("decisions/")}
    depth = "../" * page.file.src_uri.count("/")

    def linked(found: re.Match[str]) -> str:
        name = found[1]
        is_link = name in known and name not in _WRITTEN and name != page.file.src_uri
        return f"[{found[0]}]({depth}{name})" if is_link else found[0]

    text = markdown.replace("](docs/", "](") if page.file.src_uri == "index.md" else markdown
    parts = re.split(r"(^ *```.*?^ *```)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if place % 2 else _NAMED.sub(linked, part) for place, part in enumerate(parts))


def tutorial(notebook: Path) -> str:
    """A notebook as a page: its texts, and its code in blocks."""
    source = notebook.read_text(encoding="utf-8").removeprefix(_MAGIC)
    parts = _CELL.split(source)[1:]
    lines = []
    for kind, body in zip(parts[::2], parts[1::2], strict=True):
        if "[markdown]" in kind:
            lines.append(re.sub(r"^# ?", "", body.strip(), flags=re.MULTILINE))
        elif body.strip():
            lines.append(f"```python\n{body.strip()}\n```")
    return "\n\n".join(lines) + "\n"


def modules() -> Iterator[str]:
    """The modules of the package, by name; those that are run as they are imported are none of a reader's."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] != "__main__":
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def reference() -> Iterator[tuple[str, str]]:
    """A page a room of the package, with all its modules: name of the page, and its text."""
    rooms: dict[str, list[str]] = {}
    for module in modules():
        rooms.setdefault(".".join(module.split(".")[:2]), []).append(module)
    for room, held in rooms.items():
        yield room, f"# {room}\n\n" + "\n".join(f"::: {module}\n" for module in held)


def contents() -> str:
    """The list of these pages."""
    lines = [f"- [`{room}`]({room}.md)" for room, _ in reference()]
    return (
        "# Reference\n\nAll rooms of the package; [architecture](../architecture.md) says what each holds.\n\n"
        + "\n".join(lines)
    )


def on_page_context(context: dict[str, Any], page: Page, **_: Any) -> dict[str, Any]:
    """No page says where it could be edited: the documents are changed with the code."""
    page.edit_url = None
    return context
