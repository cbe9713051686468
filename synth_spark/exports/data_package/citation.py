"""How a release is cited and under which licence it may be used: CITATION.cff, CITATION.txt, LICENCE.txt."""

from typing import Any

import yaml

from synth_spark.exports.data_package.release_metadata import About
from synth_spark.plan import Author

#: What is said where the plan says nothing: of authors, in the name of the key that is empty.
NO_LICENCE = "No licence was stated: ask the publisher before you use or pass on these data."
_NOBODY = "authors not stated (publication.authors)"


def citation_text(about: About) -> str:
    """How to cite the release, in a sentence: as the plan says, or authors (year): title, version, publisher, DOI.

    Args:
        about: the release.
    """
    terms = about.terms
    if terms.citation is not None:
        return terms.citation
    who = "; ".join(map(_name, terms.authors)) or terms.publisher or _NOBODY
    parts = [f"{about.title} (synthetic data set), version {about.version}"]
    parts += [terms.publisher] if terms.publisher and terms.authors else []
    where = f"https://doi.org/{terms.doi}" if terms.doi else terms.url
    return f"{who} ({about.published.year}): {'. '.join([*parts, *([where] if where else [])])}"


def citation_cff(about: About) -> str:
    """The release as a citation file, version 1.2.0 (YAML).

    Args:
        about: the release.
    """
    terms = about.terms
    authors = [_cff_author(one) for one in terms.authors] or [{"name": terms.publisher or _NOBODY}]
    if terms.publisher and not terms.authors and terms.publisher_url:
        authors[0]["website"] = terms.publisher_url
    content: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": f"If you use these data, please cite them: {citation_text(about)}",
        "type": "dataset",
        "title": about.title.strip() or about.name,
        "abstract": about.description or None,
        "authors": authors,
        "version": about.version,
        "date-released": f"{about.published:%Y-%m-%d}",
        "keywords": list(terms.keywords) or None,
        "doi": terms.doi,
        "url": terms.url,
    }
    if about.licence and about.licence.citable:
        content["license"] = about.licence.id
    else:
        content["license-url"] = about.licence_url
    if terms.contact and "://" not in terms.contact:
        content["contact"] = [{"name": terms.publisher or "contact", "email": terms.contact}]
    entries = {key: value for key, value in content.items() if value is not None}
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=120)


def licence_text(about: About) -> str:
    """What may be done with the data: name of the licence, where it can be read, further terms; or that none is known.

    Args:
        about: the release.
    """
    terms = about.terms
    if not (terms.licence or terms.licence_url or terms.licence_text):
        contact = f"\nContact: {terms.contact}\n" if terms.contact else ""
        return f"{NO_LICENCE}\n{contact}"
    name = licence_name(about)
    parts = [f"“{about.title}”, version {about.version}", "" if name is None else f"Licence: {name}"]
    parts += [] if about.licence_url is None else [f"It can be read at {about.licence_url}"]
    parts += [] if terms.licence_text is None else ["", terms.licence_text.rstrip()]
    holders = "; ".join(map(_name, terms.authors)) or terms.publisher
    parts += [] if holders is None else ["", f"To be named: {holders}"]
    parts += [] if terms.contact is None else ["", f"Contact: {terms.contact}"]
    return "\n".join(part for place, part in enumerate(parts) if part or place != 1) + "\n"


def licence_name(about: About) -> str | None:
    """Name of the licence, with its identifier where it has one; None if none was stated."""
    if about.licence is not None:
        return f"{about.licence.title} ({about.licence.id})"
    return about.terms.licence


def contributors(about: About) -> list[dict[str, str]]:
    """Authors and publisher as descriptors of data packages name them: ``title``, ``role``, further keys."""
    people: list[dict[str, str]] = []
    for one in about.terms.authors:
        entry = {"title": _name(one), "role": "author"}
        if one.affiliation:
            entry["organization"] = one.affiliation
        if one.orcid:
            entry["path"] = f"https://orcid.org/{one.orcid}"
        people.append(entry)
    if about.terms.publisher:
        entry = {"title": about.terms.publisher, "role": "publisher"}
        if about.terms.publisher_url:
            entry["path"] = about.terms.publisher_url
        if about.terms.contact and "://" not in about.terms.contact:
            entry["email"] = about.terms.contact
        people.append(entry)
    return people


def _name(author: Author) -> str:
    if author.name is not None:
        return author.name
    return f"{author.family}, {author.given}" if author.given else str(author.family)


def _cff_author(author: Author) -> dict[str, str]:
    if author.name is not None:
        return {"name": author.name}
    entries = {
        "family-names": author.family,
        "given-names": author.given,
        "affiliation": author.affiliation,
        "orcid": f"https://orcid.org/{author.orcid}" if author.orcid else None,
    }
    return {key: value for key, value in entries.items() if value is not None}
