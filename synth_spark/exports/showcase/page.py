"""The showcase as one HTML file: its data, its program and its style inside, and a policy that allows nothing else."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from importlib import resources

from synth_spark.report.html_page import style

#: Parts of the program, in the order in which they follow each other.
_PROGRAM = ("texts", "data", "engine", "state", "charts", "explore", "compare", "records", "main")


def page(title: str, data: str, trust: str, texts: Mapping[str, str]) -> str:
    """A showcase as HTML.

    Args:
        title: of the release.
        data: as `payload.packed` makes it.
        trust: HTML about its accuracy; texts in it are escaped already.
        texts: words of the page that are to be others.
    """
    words = {**json.loads(_text("texts.json")), **texts}
    payload = json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")
    program = f'"use strict";\n(() => {{\nconst TEXTS = {payload};\n{"".join(map(_part, _PROGRAM))}}})();\n'
    sheet = style() + _text("app.css")
    policy = (
        f"default-src 'none'; script-src {_hash(program)}; style-src {_hash(sheet)}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
    places = {"title": escape(title), "trust": trust}
    body = re.sub(r"\{\{(title|trust)\}\}", lambda found: places[found[1]], _text("body.html"))
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(words["locale"])}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{sheet}</style>\n</head>\n{body}\n"
        f'<script type="application/octet-stream" id="data">{data}</script>\n'
        f"<script>{program}</script>\n</body>\n</html>\n"
    )


def unknown_texts(texts: Mapping[str, str]) -> list[str]:
    """Keys that are not words of the page."""
    return sorted(texts.keys() - json.loads(_text("texts.json")).keys())


def _part(name: str) -> str:
    return _text(f"{name}.js")


def _text(name: str) -> str:
    return resources.files(__package__).joinpath(f"app/{name}").read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
