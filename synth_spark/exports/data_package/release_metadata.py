"""What a package tells of its release: title, terms, guarantee, and how its columns are spoken of."""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from synth_spark.errors import PublishError
from synth_spark.exports.data_package.licences import Licence, licence_named
from synth_spark.exports.showcase import ShowcaseTables
from synth_spark.plan import PublicationTerms
from synth_spark.publish.published_release import PublishedRelease
from synth_spark.schema.plain_text import one_line

_LONGEST = 60
#: What RELEASE.md says of what is not protected begins so.
_LIMITS = "What is not promised"


@dataclass(frozen=True)
class About:
    """A release, as its published tables tell of it.

    Attributes:
        run_id: its name.
        published: when it was published, in UTC.
        row: the row of the table ``release``.
        plan: the published plan.
        presentation: what the plan says of published columns and values.
        terms: licence, citation, publisher.
    """

    run_id: str
    published: datetime
    row: Mapping[str, Any]
    plan: Mapping[str, Any]
    presentation: Mapping[str, Any]
    terms: PublicationTerms

    @property
    def title(self) -> str:
        """Title of the release, on one line."""
        return one_line(str(self.row["title"]))

    @property
    def description(self) -> str:
        """What the records are about, if the plan says so."""
        return str(self.presentation.get("description", ""))

    @property
    def name(self) -> str:
        """Short name of the data set: what the plan gives, or from the title."""
        return self.terms.name or short_name(self.title)

    @property
    def folder(self) -> str:
        """Name of the package: short name and run, fit for a file."""
        return f"{self.name}-{self.run_id}"

    @property
    def version(self) -> str:
        """Version of the data set."""
        return self.terms.version or self.run_id

    @property
    def noisy(self) -> bool:
        """Whether counts carry noise."""
        return bool(self.row["privacy"] == "differential_privacy")

    @cached_property
    def licence(self) -> Licence | None:
        """The licence, where it is a usual one."""
        return licence_named(self.terms.licence)

    @property
    def licence_url(self) -> str | None:
        """Where the licence can be read, if that is known."""
        return self.terms.licence_url or (self.licence.url if self.licence else None)

    @property
    def limits(self) -> str:
        """What is not promised, in a sentence; empty if the release does not say."""
        sentences: list[str] = json.loads(self.row["sentences"])
        return next((text for text in sentences if text.startswith(_LIMITS)), "")


def about(release: PublishedRelease, source: ShowcaseTables) -> About:
    """What a release tells of itself.

    Args:
        release: the release.
        source: its tables.

    Raises:
        PublishError: it was made before releases had a presentation, or by a version that knows more terms.
    """
    row = source.table("release").to_pylist()[0]
    if "presentation" not in row or "sentences" not in row:
        raise PublishError("table release", "says nothing of a presentation", "make a release with this version")
    plan = json.loads(row["plan"])
    try:
        terms = PublicationTerms.model_validate(plan.get("publication") or {})
    except ValidationError as error:
        key = ".".join(str(part) for part in ("publication", *error.errors()[0]["loc"]))
        raise PublishError(key, "is not understood", "package it with the version that made the release") from None
    published = datetime.fromisoformat(release.manifest["published"])
    return About(release.run_id, published, row, plan, json.loads(row["presentation"]), terms)


def short_name(title: str) -> str:
    """A title as a name of a file: lower-case letters of ASCII, digits and ``-``, at most 60.

    >>> short_name("Trafficking cases (demo)"), short_name("Fälle/../2024"), short_name("事例")
    ('trafficking-cases-demo', 'falle-2024', 'release')
    """
    plain = "".join(one for one in unicodedata.normalize("NFKD", title) if not unicodedata.combining(one))
    words = re.sub("[^a-z0-9]+", "-", plain.lower()).strip("-")
    return words[:_LONGEST].strip("-") or "release"
