"""The fenced blocks of all documents, as what can be tried: commands, statements, parts of plans, each with its place.

What is not executed is listed in docs/examples.md, with the reason, and so is what a test of its own executes;
`unlisted` is everything else, which tests/system/test_documents.py executes.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
#: Where documents are.
PLACES = ("*.md", "docs/**/*.md", "benchmarks/*.md", "notebooks/*.md")
#: The page that lists what is not executed.
LIST = ROOT / "docs" / "examples.md"
_FENCE = re.compile(r"^( *)(`{3,}|~{3,})(.*)$")
_ROW = re.compile(r"^\| `([^`]+)`, «([^»]+)» \| `(.+)` \| (.+) \|$", re.MULTILINE)


class Block(NamedTuple):
    """A fenced block: its page, the heading above it, its language, and its text."""

    page: str
    chapter: str
    language: str
    text: str


class Example(NamedTuple):
    """What can be tried by itself: a command, a statement, or all of a block.

    Attributes:
        block: where it stands.
        text: as it stands there; a command has no comment and is on one line.
        printed: what the document says that it prints; None where it says nothing.
    """

    block: Block
    text: str
    printed: str | None = None

    @property
    def words(self) -> list[str]:
        """Of a command."""
        return shlex.split(self.text)


class Listed(NamedTuple):
    """A row of docs/examples.md: an example's page, heading and beginning, and by which test it is run, or why not."""

    page: str
    chapter: str
    begins: str
    reason: str

    def names(self, example: Example) -> bool:
        """Whether the row is about an example."""
        at = (example.block.page, example.block.chapter)
        return at == (self.page, self.chapter) and " ".join(example.text.split()).startswith(self.begins)


def pages() -> list[Path]:
    """All documents of the repository, in the order of their names."""
    return sorted({path for place in PLACES for path in ROOT.glob(place)})


def blocks_of(page: str, text: str) -> Iterator[Block]:
    """The fenced blocks of a document; one that is not closed ends with the document."""
    chapter, fence, language, lines = "", "", "", list[str]()
    for line in text.splitlines():
        found = _FENCE.match(line)
        if fence and found and found[2].startswith(fence) and not found[3].strip():
            yield Block(page, chapter, language, "\n".join(lines))
            fence = ""
        elif fence:
            lines.append(line)
        elif found:
            fence, language, lines = found[2], found[3].strip(), []
        elif line.startswith("#"):
            chapter = line.lstrip("#").strip()
    if fence:
        yield Block(page, chapter, language, "\n".join(lines))


def every_block() -> list[Block]:
    """Those of all documents."""
    return [
        block
        for path in pages()
        for block in blocks_of(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]


def examples_of(block: Block) -> list[Example]:
    """Commands of ``sh`` and ``console``, statements of ``sql``, lines of ``promql``; of all else the whole block."""
    if block.language == "sh":
        return [Example(block, command) for command in _commands(block.text)]
    if block.language == "console":
        return list(_printed(block))
    if block.language == "sql":
        code = re.sub(r"^--.*\n", "", block.text, flags=re.MULTILINE)
        return [Example(block, one.strip()) for one in re.split(r";\s*(?:\n|$)", code) if one.strip()]
    if block.language == "promql":
        lines = [line.partition(" #")[0].strip() for line in block.text.splitlines()]
        return [Example(block, line) for line in lines if line]
    return [Example(block, block.text)]


def _commands(text: str) -> Iterator[str]:
    """Commands without their comments, each on one line."""
    for line in text.replace("\\\n", " ").splitlines():
        command = _uncommented(line).strip()
        if command:
            yield command


def _uncommented(line: str) -> str:
    """A line without what follows ``#`` outside quotes, where that begins a word."""
    quote = ""
    for place, sign in enumerate(line):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "#" and f" {line}"[place] == " ":
            return line[:place]
    return line


def _printed(block: Block) -> Iterator[Example]:
    """Commands after ``$``, and the lines after each."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield Example(block, command, printed.rstrip("\n"))


def every_example() -> list[Example]:
    """Those of all documents."""
    return [example for block in every_block() for example in examples_of(block)]


def listed(chapter: str = "") -> list[Listed]:
    """The rows of docs/examples.md: of one of its chapters, or all."""
    text = LIST.read_text(encoding="utf-8")
    if chapter:
        text = text.split(f"\n## {chapter}\n")[1].split("\n## ")[0]
    return [Listed(*row) for row in _ROW.findall(text)]


def unlisted() -> list[Example]:
    """Everything that the tests of the documents execute."""
    rows = listed()
    return [example for example in every_example() if not any(row.names(example) for row in rows)]
