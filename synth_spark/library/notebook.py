"""What a notebook shows: how far a run is, as a bar, and a release, as HTML that needs nothing else."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from synth_spark.exports.showcase import ShowcaseTables, inline
from synth_spark.exports.showcase.trust_report import public_report
from synth_spark.monitoring.progress import Live, Probe, Progress
from synth_spark.publish.published_release import PublishedRelease
from synth_spark.report.blocks import Paragraphs
from synth_spark.report.html_page import sections_html
from synth_spark.schema.root_layout import DOCUMENTS, REPORT, SHOWCASE

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Bytes of a showcase above which a notebook names its file instead of holding it.
_MOST_BYTES = 4 << 20


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows HTML."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and getattr(shell, "kernel", None) is not None


def progress_of(spark: "SparkSession", quiet: bool = False) -> Progress:
    """What says how far a run is: a bar in a notebook, lines on standard error elsewhere.

    Args:
        spark: the session, which is asked how far it is.
        quiet: whether nothing is said.
    """
    from synth_spark.runtime.session import running_tasks

    def probe() -> tuple[int, int] | None:
        return running_tasks(spark)

    return Bar(probe) if in_notebook() and not quiet else Progress(probe, quiet)


class Bar(Progress):
    """Progress as a bar in the output of a notebook's cell, with what is to be known of the run below it."""

    def __init__(self, probe: Probe = lambda: None) -> None:
        """Begin; nothing is shown before something is said."""
        from synth_spark.pipeline.stages import STAGES

        super().__init__(probe, quiet=True)
        self._stages = list(STAGES["k_anonymity"])
        self._done: int | None = None  # of the stages of the line; None of other work, whose length nobody knows
        self._text, self._notes = "", list[str]()
        self._since, self._handle = time.monotonic(), None

    def say(self, text: str) -> None:
        """Show a line below the bar, and log it as a note."""
        self._notes.append(text)
        self.event("note", text=text)
        self._show()

    @contextmanager
    def stage(self, name: str, what: str) -> Iterator[None]:
        """Report a stage while its body runs."""
        place = self._stages.index(name) if name in self._stages else None
        self._done = place
        self.update(f"{name}: {what}")
        with super().stage(name, what):
            yield
        self._done = len(self._stages) if place is None else place + 1
        self.update(f"{name}: done")

    def live(self) -> Live:
        """The bar itself."""
        return self

    def start(self) -> None:
        """Begin to show: that was done before."""

    def update(self, status: str) -> None:
        """Show a text beside the bar."""
        self._text = status
        self._show()

    def stop(self) -> None:
        """What was shown last stays."""

    def html(self) -> str:
        """The bar as HTML; texts are escaped."""
        notes = "".join(f"<li>{escape(note)}</li>" for note in self._notes)
        value = "" if self._done is None else f' value="{self._done}"'
        return (
            f'<div><progress max="{len(self._stages)}"{value}></progress> {escape(self._text)} '
            f"({time.monotonic() - self._since:.0f} s)</div>" + (f"<ul>{notes}</ul>" if notes else "")
        )

    def _show(self) -> None:
        said = self._text if self._done is None else f"[{self._done}/{len(self._stages)}] {self._text}"
        shown = {"text/html": self.html(), "text/plain": "\n".join([said, *self._notes])}
        if self._handle is None:
            display: Any = import_module("IPython.display").display
            self._handle = display(shown, raw=True, display_id=True)
        else:
            self._handle.update(shown, raw=True)


def release_html(release: PublishedRelease, spark: "SparkSession | None", held_in: str | None) -> str:
    """A release as HTML: its sentences, its audit, its charts, and the page to explore it.

    It is made of published tables and documents alone; every text is escaped, and both pages are in frames of their own
    that may ask for nothing.

    Args:
        release: the release.
        spark: a session with Delta; needed for slices of Delta tables only.
        held_in: its run folder, if there is one.
    """
    source = ShowcaseTables.of(release, spark)
    report = public_report(source, len(source.fields({})))
    sections = {section.anchor: section for section in report.sections}
    sentences = [text for block in sections["summary"].blocks if isinstance(block, Paragraphs) for text in block.texts]
    places = f"published in {release.root.address}" + (f", run folder {held_in} (SENSITIVE)" if held_in else "")
    charts = release.document(REPORT)
    return (
        f"<h3>{escape(report.title)}</h3><p><strong>{escape(report.verdict)}</strong><br>"
        f"<small>Release {escape(release.run_id)}, {escape(places)}</small></p>"
        f"<ol>{''.join(f'<li>{escape(text)}</li>' for text in sentences)}</ol>"
        f"<details><summary>The audit</summary>{sections_html([sections['audit']])}</details>"
        + (f"<details><summary>Charts, and all figures</summary>{inline(charts)}</details>" if charts else "")
        + _showcase(release)
    )


def _showcase(release: PublishedRelease) -> str:
    """The page to explore a release, in a frame; of a large one the name of its file."""
    page = release.document(SHOWCASE)
    if page is None:
        return ""
    if len(page.encode()) > _MOST_BYTES:
        file = f"{release.root.address}/{DOCUMENTS}/{release.run_id}/{SHOWCASE}"
        return f"<p>To explore it, open <code>{escape(file)}</code> in a browser.</p>"
    return f"<details open><summary>Explore it</summary>{inline(page)}</details>"
