"""YAML in which a text is what was typed: ``010``, ``NO``, ``08:30`` and ``~`` where a plan wants text. No Spark here.

YAML makes numbers, truth values, times and nothing of some texts that people write without quotes. What is meant is
known from the key: one that wants text is given what was typed, one that wants a number is given the number.
"""

import re
import types
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic import BaseModel

_TAG = "tag:yaml.org,2002:"
#: What YAML makes of a text without quotes, if it does not leave it a text.
_MADE = tuple(f"{_TAG}{kind}" for kind in ("int", "float", "bool", "null", "timestamp"))
_WHOLE = re.compile(r"[-+]?[0-9][0-9_]*")
#: How people write that a text is not given; all else is a text.
_NOTHING = ("", "null")


@dataclass(frozen=True)
class Scalar:
    """A value without quotes: what was typed, and what YAML makes of it."""

    typed: str
    value: Any


@dataclass(frozen=True)
class Typed:
    """What was typed on the command line: a text, or YAML, as its key wants."""

    text: str


def read_yaml(text: str) -> Any:
    """Mappings, lists and values of a YAML document; keys of mappings are texts as they were typed.

    Args:
        text: the document.

    Returns:
        Its content, a `Scalar` where YAML makes something else of a text without quotes; see `settled`.

    Raises:
        ValueError: it is not valid YAML; the message says the line where that is known, and quotes nothing.

    >>> read_yaml("{010: NO, b: [1_000, '7', x]}")
    {'010': Scalar(typed='NO', value=False), 'b': [Scalar(typed='1_000', value=1000), '7', 'x']}
    """
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        return None if node is None else _content(node, loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ValueError(f"is not valid YAML{f' (line {mark.line + 1})' if mark is not None else ''}") from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise ValueError("is not valid YAML") from None
    finally:
        if loader is not None:
            loader.dispose()


def _content(node: yaml.Node, loader: yaml.SafeLoader) -> Any:
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        loader.flatten_mapping(node)
        return {_key(key): _content(value, loader) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        return [_content(part, loader) for part in node.value]
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a tag that no plan needs", node.start_mark)
    if node.value == "" and (sign := _lone_sign(node)):
        return sign
    if node.style is None and node.tag in _MADE:
        return Scalar(node.value, _made(node, loader))
    if node.tag in (f"{_TAG}str", f"{_TAG}value", f"{_TAG}merge"):
        return node.value
    return loader.construct_object(node)


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(None, None, "a key that is no text", node.start_mark)
    return str(node.value)


def _made(node: yaml.ScalarNode, loader: yaml.SafeLoader) -> Any:
    """What YAML makes of a text; numbers are decimal, and times of the day no numbers."""
    if _WHOLE.fullmatch(node.value):
        return int(node.value.replace("_", ""))
    if ":" in node.value and node.tag != f"{_TAG}timestamp":
        return node.value
    return loader.construct_object(node)


def _lone_sign(node: yaml.ScalarNode) -> str | None:
    """The sign ``#``, ``|`` or ``>`` where it is all that stands in the place of a value."""
    mark = node.start_mark
    if node.style == '"' or node.style == "'" or mark.buffer is None:
        return None
    rest = mark.buffer[mark.pointer :].partition("\n")[0].strip(" \r\0")
    return rest if rest in ("#", "|", ">") else None


def settled(content: Any, wanted: Any) -> Any:
    """What was read, as a part of the plan wants it.

    Args:
        content: as `read_yaml` gives it; `Typed` where it was typed on the command line.
        wanted: the type of the part, as it is annotated; None where no part is known.

    Raises:
        ValueError: what was typed for a list, a mapping, a number or a truth value is not valid YAML.

    >>> settled(read_yaml("[010, 1.50, ~]"), tuple[str, ...]), settled(read_yaml("[010, 1.50]"), tuple[float, ...])
    (['010', '1.50', '~'], [10, 1.5])
    >>> settled(Typed("|"), str | None), settled(Typed("null"), str | None), settled(Typed("[1, NO]"), tuple[str, ...])
    ('|', None, ['1', 'NO'])
    """
    options = list(_options(wanted))
    if isinstance(content, Typed):
        if _texts(options) and not any(map(_is_container, options)) and not {bool, int, float} & set(_plain(options)):
            return _typed_text(content.text, options)
        return settled(read_yaml(content.text), wanted)
    if isinstance(content, dict):
        return {key: settled(value, _at(options, key)) for key, value in content.items()}
    if isinstance(content, list):
        inner = _union(get_args(option)[0] for option in options if get_origin(option) in (tuple, list))
        return [settled(part, inner) for part in content]
    return _scalar(content, options) if isinstance(content, Scalar) else content


def type_at(part: Any, keys: Iterable[str]) -> Any:
    """The type of what keys lead to, each inside what the one before leads to; None where no key has that name."""
    for key in keys:
        part = _at(list(_options(part)), key)
    return part


def _scalar(given: Scalar, options: list[Any]) -> Any:
    kinds = _plain(options)
    if isinstance(given.value, bool):
        as_made = bool in kinds
    elif given.value is None:
        as_made = type(None) in kinds and (given.typed in _NOTHING or not _texts(options))
    else:
        as_made = bool({int, float} & set(kinds)) and isinstance(given.value, int | float)
    return given.value if as_made or not _texts(options) else given.typed


def _typed_text(text: str, options: list[Any]) -> str | None:
    """A text of the command line; one in quotes is what they hold."""
    if text in _NOTHING and type(None) in options:
        return None
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        try:
            inner = read_yaml(text)
        except ValueError:
            return text
        return inner if isinstance(inner, str) else text
    return text


def _options(wanted: Any) -> Iterable[Any]:
    """The types that a type allows, without what is annotated."""
    if get_origin(wanted) is Annotated:
        yield from _options(get_args(wanted)[0])
    elif get_origin(wanted) in (Union, types.UnionType):
        for option in get_args(wanted):
            yield from _options(option)
    elif wanted is not None:
        yield wanted


def _plain(options: list[Any]) -> list[type]:
    return [option for option in options if isinstance(option, type)]


def _texts(options: list[Any]) -> bool:
    """Whether one of some types is a text."""
    return any(option is str or get_origin(option) is Literal for option in options)


def _is_container(option: Any) -> bool:
    return get_origin(option) in (tuple, list, dict) or (isinstance(option, type) and issubclass(option, BaseModel))


def _at(options: list[Any], key: str) -> Any:
    """The type of what a key leads to; None where no key is known by that name."""
    found = []
    for option in options:
        if get_origin(option) is dict:
            found.append(get_args(option)[1])
        elif isinstance(option, type) and issubclass(option, BaseModel) and key in option.model_fields:
            found.append(option.model_fields[key].annotation)
    return _union(found)


def _union(wanted: Iterable[Any]) -> Any:
    found = [one for one in wanted if one is not None]
    return Union[tuple(found)] if found else None  # noqa: UP007  # made of a list
