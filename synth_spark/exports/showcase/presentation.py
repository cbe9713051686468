"""How a release is presented: what its plan says of it, as far as it speaks of what is published.

A plan may name values that no published table holds, in an order or a label; to show them would tell that they were
looked for. So only what is about published values goes on.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from synth_spark.exports.showcase.values import are_countries, country_codes, first_word, in_order, title_of
from synth_spark.plan import Plan
from synth_spark.report.settings import settings


def presentation(plan: Plan, published: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a plan says of how to show a release, without what is not published; JSON-ready.

    Args:
        plan: of the release.
        published: column → its published values.
    """
    config, columns = plan.showcase, {}
    for name, values in published.items():
        view = config.columns.get(name)
        if view is None:
            continue
        columns_there = set(values)
        columns[name] = {
            "title": view.title,
            "description": view.description,
            "kind": view.kind,
            "order": [value for value in view.order if value in columns_there],
            "labels": {value: label for value, label in view.labels.items() if value in columns_there},
        }
    visuals = {}
    for name, attributes in config.visuals.items():
        pairs = [pair for one in attributes for pair in one.items()]
        visuals[name] = [[column, value] for column, value in pairs if value in published.get(column, ())]
    return {
        "description": config.description,
        "noun": config.noun,
        "columns": columns,
        "groups": {name: list(names) for name, names in config.groups.items()},
        "visuals": visuals,
        "pages": {name: list(names) for name, names in config.pages.items()},
        "hidden": list(config.hidden),
        "texts": dict(config.texts),
        "records": config.records,
        "combinations": config.combinations,
        "settings": [list(one) for one in settings(plan)],
        "rare_below": plan.assessment.rare_below,
        "grouped": [name for name in published if name in plan.input.groups],
    }


def column_view(name: str, values: Sequence[str], wishes: Mapping[str, Any]) -> dict[str, Any]:
    """How one column is shown: its title, and its values in order with what is shown for each; JSON-ready.

    Args:
        name: its header.
        values: its published values, in any order.
        wishes: what the presentation says of it; empty if nothing.

    Returns:
        ``name``, ``title``, ``description``, ``kind`` (category, ordered or country), ``values``, ``labels`` (of each
        value; None where it is shown as it is) and, of countries, ``codes`` (of two letters; None where it is none).
    """
    kind, order = wishes.get("kind", "automatic"), list(wishes.get("order", ()))
    natural = in_order(values)
    if kind == "automatic":
        kind = "ordered" if order or natural is not None else "country" if are_countries(values) else "category"
    rest = [value for value in (natural or sorted(values)) if value not in set(order)]
    ordered = [*order, *rest]
    labels = wishes.get("labels", {})
    view = {
        "name": name,
        "title": wishes.get("title") or title_of(name),
        "description": wishes.get("description", ""),
        "kind": kind,
        "values": ordered,
        "labels": [labels.get(value) for value in ordered],
    }
    if kind == "country":
        countries = country_codes()
        view["codes"] = [countries.get(value) for value in ordered]
    return view


def charts(columns: Sequence[Mapping[str, Any]], presented: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The charts of a release: those that its plan names, flags of one kind together, and a chart a column.

    A flag is a column with one value: a chart of it would be one bar. Flags whose headers begin with the same word
    share a chart, unless the plan puts them elsewhere.

    Args:
        columns: views of the columns, in the release's order.
        presented: its presentation.

    Returns:
        Of each: ``name``, ``title``, ``column`` and ``bars``: places [column, value], and a name where the value's own
        says too little; None for all values of ``column``.
    """
    place = {one["name"]: index for index, one in enumerate(columns)}
    specs: list[dict[str, Any]] = []
    taken = {place[name] for name in presented["hidden"] if name in place}
    for name, attributes in presented["visuals"].items():
        bars = [[place[column], columns[place[column]]["values"].index(value)] for column, value in attributes]
        if bars:
            specs.append({"name": name, "title": name, "column": None, "bars": bars})
            taken |= {column for column, _ in bars if len(columns[column]["values"]) == 1}
    flags = [index for index, one in enumerate(columns) if len(one["values"]) == 1 and index not in taken]
    grouped = {name: group for group, names in presented["groups"].items() for name in names}
    families: dict[str, list[int]] = {}
    for index in flags:
        family = grouped.get(columns[index]["name"]) or title_of(first_word(columns[index]["name"]))
        families.setdefault(family, []).append(index)
    together = {family: own for family, own in families.items() if len(own) > 1}
    single = {index for own in together.values() for index in own}
    asked = {name for names in presented["pages"].values() for name in names}
    for index, one in enumerate(columns):
        wanted = (index not in taken and index not in single) or one["name"] in asked
        if wanted and one["values"]:
            specs.append({"name": one["name"], "title": one["title"], "column": index, "bars": None})
    return [*specs, *(_flags(family, own, columns) for family, own in together.items())]


def _flags(family: str, own: Sequence[int], columns: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A chart of flags: the words that all their titles begin with stand in its title, the others at the bars."""
    words = [columns[index]["title"].split() for index in own]
    same = next(count for count in range(len(words[0]) + 1) if not _all_begin(words, count + 1))
    if not same or not words[0][0].lower().startswith(family.lower()):
        return {"name": family, "title": family, "column": None, "bars": [[index, 0] for index in own]}
    names = [" ".join(rest[same:]) for rest in words]
    bars = [[index, 0, name[0].upper() + name[1:]] for index, name in zip(own, names, strict=True)]
    title = f"{' '.join(words[0][:same])} …"
    return {"name": title, "title": title, "column": None, "bars": bars}


def _all_begin(words: Sequence[Sequence[str]], count: int) -> bool:
    """Whether all begin with the same words, and each has one more."""
    return all(len(one) > count and one[:count] == words[0][:count] for one in words)
