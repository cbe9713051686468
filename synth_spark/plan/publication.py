"""The part of a plan that says how others may use a release, and how they cite it. All of it is published."""

import re
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from synth_spark.plan.input import Strict, as_text

_URL = re.compile(r"https?://[^\s<>\"]+")
_EMAIL = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]{2,}")
#: Characters that no line of text needs: controls, and what ends a line or turns its direction.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _line(value: str) -> str:
    if not value.strip() or _CONTROL.search(value):
        raise ValueError("must be one line of text")
    return value


def _lines(value: str) -> str:
    if not value.strip() or _CONTROL_BUT_LINES.search(value):
        raise ValueError("must be text without control characters")
    return value


def _url(value: str) -> str:
    if not _URL.fullmatch(value):
        raise ValueError("must be an address that begins with https:// or http://")
    return value


def _address(value: str) -> str:
    if not _URL.fullmatch(value) and not _EMAIL.fullmatch(value):
        raise ValueError("must be an e-mail address, or a web address that begins with https:// or http://")
    return value


#: One line of text; several lines; a web address; a web or e-mail address.
Line = Annotated[str, BeforeValidator(as_text), AfterValidator(_line)]
Lines = Annotated[str, AfterValidator(_lines)]
Url = Annotated[str, AfterValidator(_url)]
Address = Annotated[str, AfterValidator(_address)]


class Author(Strict):
    """Who made a release: an organisation by its name, or a person by family and given names."""

    name: Line | None = Field(None, description="Name of an organisation.")
    family: Line | None = Field(None, description="Family names of a person.")
    given: Line | None = Field(None, description="Given names of a person.")
    affiliation: Line | None = Field(None, description="Where a person works.")
    orcid: str | None = Field(
        None, pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$", description="ORCID iD of a person: 0000-0002-1825-0097."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.name is None) == (self.family is None):
            raise ValueError("needs either the name of an organisation or the family names of a person")
        if self.name is not None and (self.given or self.affiliation or self.orcid):
            raise ValueError("given, affiliation and orcid are a person's: use family instead of name")
        return self


class PublicationTerms(Strict):
    """What a data portal asks of a data set: licence, citation, who answers for it. All of it is published."""

    name: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$",
        description="Short name of the data set in names of files: lower-case letters, digits, '-', '_' and '.'; "
        "default: from the title.",
    )
    version: Line | None = Field(None, description="Version of the data set; default: the name of the run.")
    licence: Line | None = Field(None, description="Licence: its SPDX identifier, such as CC-BY-4.0, or its name.")
    licence_url: Url | None = Field(None, description="Where the licence can be read; known of usual data licences.")
    licence_text: Lines | None = Field(None, description="Text of the licence, or terms of use beside it.")
    authors: tuple[Author, ...] = Field((), description="Who made it; default: the publisher.")
    publisher: Line | None = Field(None, description="Organisation that publishes it.")
    publisher_url: Url | None = Field(None, description="Its web address.")
    contact: Address | None = Field(None, description="Where to ask: e-mail or web address. It is published.")
    citation: Lines | None = Field(
        None, description="How to cite it; default: authors (year): title, version, publisher, DOI."
    )
    doi: str | None = Field(
        None,
        pattern=r"^10\.\d{4,9}(\.\d+)?/[A-Za-z0-9:/_;\-.()\[\]\\]+$",
        description="DOI of the data set, without https://doi.org/.",
    )
    url: Url | None = Field(None, description="Page of the data set.")
    keywords: tuple[Line, ...] = Field((), description="Words by which it is to be found.")
    temporal: Line | None = Field(None, description="The time that the records are about: 2015/2024.")
    spatial: tuple[Line, ...] = Field((), description="The places that the records are about.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.keywords)) < len(self.keywords):
            raise ValueError("keywords names one twice")
        if self.publisher_url is not None and self.publisher is None:
            raise ValueError("publisher_url needs a publisher")
        return self
