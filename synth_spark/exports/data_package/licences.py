"""Licences that data are usually published under: identifier of SPDX, title, and where they can be read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Licence:
    """A licence.

    Attributes:
        id: its identifier in the SPDX list.
        title: its name.
        url: where it can be read.
        citable: whether citation files of version 1.2.0 know the identifier; they list those of 2021.
    """

    id: str
    title: str
    url: str
    citable: bool = True


_CC = "https://creativecommons.org"
_CC_PARTS = {
    "BY": "Attribution",
    "BY-SA": "Attribution-ShareAlike",
    "BY-ND": "Attribution-NoDerivatives",
    "BY-NC": "Attribution-NonCommercial",
    "BY-NC-SA": "Attribution-NonCommercial-ShareAlike",
    "BY-NC-ND": "Attribution-NonCommercial-NoDerivatives",
}
_ALL = (
    Licence("CC0-1.0", "Creative Commons Zero 1.0 Universal", f"{_CC}/publicdomain/zero/1.0/"),
    *(
        Licence(f"CC-{part}-4.0", f"Creative Commons {name} 4.0 International", f"{_CC}/licenses/{part.lower()}/4.0/")
        for part, name in _CC_PARTS.items()
    ),
    *(
        Licence(
            f"CC-{part}-3.0-IGO",
            f"Creative Commons {name} 3.0 IGO",
            f"{_CC}/licenses/{part.lower()}/3.0/igo/",
            part == "BY-NC-ND",
        )
        for part, name in _CC_PARTS.items()
    ),
    Licence("PDDL-1.0", "Open Data Commons Public Domain Dedication and License 1.0",
            "https://opendatacommons.org/licenses/pddl/1-0/"),
    Licence("ODC-By-1.0", "Open Data Commons Attribution License 1.0",
            "https://opendatacommons.org/licenses/by/1-0/"),
    Licence("ODbL-1.0", "Open Data Commons Open Database License 1.0",
            "https://opendatacommons.org/licenses/odbl/1-0/"),
    Licence("CDLA-Permissive-1.0", "Community Data License Agreement Permissive 1.0",
            "https://cdla.dev/permissive-1-0/"),
    Licence("CDLA-Permissive-2.0", "Community Data License Agreement Permissive 2.0",
            "https://cdla.dev/permissive-2-0/", False),
    Licence("CDLA-Sharing-1.0", "Community Data License Agreement Sharing 1.0", "https://cdla.dev/sharing-1-0/"),
    Licence("OGL-UK-3.0", "Open Government Licence v3.0 (United Kingdom)",
            "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"),
    Licence("etalab-2.0", "Licence Ouverte / Open Licence 2.0",
            "https://www.etalab.gouv.fr/licence-ouverte-open-licence/"),
    Licence("DL-DE-BY-2.0", "Datenlizenz Deutschland – Namensnennung – Version 2.0",
            "https://www.govdata.de/dl-de/by-2-0", False),
    Licence("DL-DE-ZERO-2.0", "Datenlizenz Deutschland – Zero – Version 2.0",
            "https://www.govdata.de/dl-de/zero-2-0", False),
)  # fmt: skip
_BY_NAME = {one.id.lower(): one for one in _ALL}


def licence_named(text: str | None) -> Licence | None:
    """The licence that an identifier means, whatever its case; None if it is none of these.

    >>> licence_named("cc-by-4.0").url
    'https://creativecommons.org/licenses/by/4.0/'
    >>> licence_named("Terms of the archive") is None
    True
    """
    return _BY_NAME.get((text or "").strip().lower())
