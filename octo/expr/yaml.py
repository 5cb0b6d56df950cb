"""YAML as data: text to JSON kinds and back, at a cost that is linear in the text.

libyaml makes the events; this module gives them their meaning. Anchors and aliases are read. Merge keys are not: with
them, a few hundred characters stand for millions of entries.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NoReturn

from octo.expr.errors import CONVERSION, ExprError, quoted
from octo.expr.limits import MAX_NODES, check_size, exhausted
from octo.expr.scalars import binary, resolve, tagged
from octo.expr.settle import to_json
from octo.expr.values import Exact

_TAG: Final = "tag:yaml.org,2002:"
_COLLECTIONS: Final = {None: "", "!": "", f"{_TAG}seq": "", f"{_TAG}map": ""}
_TEXTS: Final = frozenset((None, "!", *(f"{_TAG}{name}" for name in ("str", "merge", "value"))))
_SLOW: Final = 8
"""How many nodes a date costs, or a scalar with a tag."""
_MOST_DIRECTIVES: Final = 100
"""libyaml compares each directive with all others."""
_END: Final = object()


# -- in


def read(text: str) -> Any:
    """Return the value that YAML text stands for. Raises `ExprError` for what is not YAML or has no JSON form."""
    import yaml

    check_size(len(text))
    if text.count("%TAG") > _MOST_DIRECTIVES:
        raise ExprError(CONVERSION, f"not YAML: it has more than {_MOST_DIRECTIVES} directives")
    try:
        return _Composer(text).document()
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        _refuse(getattr(error, "problem", None) or str(error), place)
    except RecursionError:
        raise ExprError(CONVERSION, "not YAML: it is nested too deeply") from None


def _refuse(problem: str, mark: Any, hint: str = "") -> NoReturn:
    where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    raise ExprError(CONVERSION, f"not YAML: {problem}{where}", hint=hint) from None


class _Composer:
    """Makes values of events. Invariant: at most MAX_NODES nodes are made or repeated."""

    def __init__(self, text: str) -> None:
        self.loader = _loader()(text)
        self.anchors: dict[str, tuple[Any, int] | None] = {}
        self.nodes = 0

    def document(self) -> Any:
        import yaml

        self.loader.get_event()  # the stream starts
        if isinstance(self.loader.get_event(), yaml.StreamEndEvent):
            return None
        value = self.node(self.loader.get_event())
        self.loader.get_event()  # the document ends
        following = self.loader.get_event()
        if not isinstance(following, yaml.StreamEndEvent):
            _refuse("a second document begins", following.start_mark)
        return value

    def count(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            exhausted()

    def node(self, event: Any) -> Any:
        """The value that begins with this event, or `_END` if the event ends a list or map."""
        make = _MAKERS.get(event.__class__.__name__)
        if make is None:
            return _END
        if event.anchor is None or make is _Composer.alias:
            self.count(1)
            return make(self, event)
        before = self.nodes
        self.count(1)
        self.anchors[event.anchor] = None  # invariant: open until the node is complete, so no node holds itself
        value = make(self, event)
        self.anchors[event.anchor] = value, self.nodes - before
        return value

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            _refuse("an alias stands for nothing", event.start_mark)
        found = self.anchors[event.anchor]
        if found is None:
            _refuse("an alias is inside what it stands for, so it is nested too deeply", event.start_mark)
        value, nodes = found
        self.count(nodes)
        return value

    def scalar(self, event: Any) -> Any:
        tag, text = event.tag, event.value
        if tag is None and event.implicit[0]:
            value = resolve(text)
            if value.__class__ is str and value != text:
                self.count(_SLOW)
            return value
        return text if tag in _TEXTS else self.tagged(event, tag)

    def tagged(self, event: Any, tag: str) -> Any:
        self.count(_SLOW)
        name = tag.removeprefix(_TAG)
        try:
            return to_json(binary(event.value)) if name == "binary" else tagged(name, event.value)
        except ValueError:
            _refuse(f"the value does not fit its tag !!{name}" if name != tag else "an unknown tag", event.start_mark)

    def sequence(self, event: Any) -> list[Any]:
        self.refuse_tag(event)
        return list(iter(lambda: self.node(self.loader.get_event()), _END))

    def mapping(self, event: Any) -> dict[str, Any]:
        self.refuse_tag(event)
        entries: dict[str, Any] = {}
        while (name := self.node(start := self.loader.get_event())) is not _END:
            if name == "<<" and _is_merge(start):
                _refuse("a merge key has no meaning in data", start.start_mark, "Quote the key, or write its entries")
            if not isinstance(name, str):
                shown = "a list or map" if isinstance(name, (list, dict)) else "null" if name is None else repr(name)
                raise ExprError(CONVERSION, f"a YAML key must be a string, found {shown}", hint="Put it in quotes")
            if name in entries:
                _refuse(f"the key {quoted(name)} is repeated", start.start_mark)
            entries[name] = self.node(self.loader.get_event())
        return entries

    def refuse_tag(self, event: Any) -> None:
        if event.tag not in _COLLECTIONS:
            _refuse("the tag of a list or map has no JSON form", event.start_mark)


def _is_merge(event: Any) -> bool:
    return event.__class__.__name__ == "ScalarEvent" and bool(event.implicit[0] or event.tag == f"{_TAG}merge")


_MAKERS: Final = {
    "AliasEvent": _Composer.alias,
    "ScalarEvent": _Composer.scalar,
    "SequenceStartEvent": _Composer.sequence,
    "MappingStartEvent": _Composer.mapping,
}


@cache
def _loader() -> Any:
    import yaml

    return yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


# -- out


def write(value: Any) -> str:
    """Return the value as YAML text; texts that could be read as something else are quoted. It has no aliases.

    Raises `ExprError` for what has no JSON form.
    """
    import yaml

    dumper = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper
    try:
        return str(yaml.emit(_document(to_json(value)), Dumper=dumper, allow_unicode=True, width=1_000_000))
    except yaml.YAMLError as error:
        raise ExprError(CONVERSION, f"the value has no YAML form: {error}") from None


def _document(value: Any) -> Iterator[Any]:
    import yaml

    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    yield from _events(value)
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _events(value: Any) -> Iterator[Any]:
    """The events of a JSON value, without recursion: a stack of what is left at each level."""
    import yaml

    levels = [iter((value,))]
    ends: list[Any] = [None]
    nodes = 0
    while levels:
        value = next(levels[-1], _END)
        if value is _END:
            levels.pop()
            if (end := ends.pop()) is not None:
                yield end
            continue
        nodes += 1
        if nodes > MAX_NODES:
            exhausted()
        if isinstance(value, dict):
            yield yaml.MappingStartEvent(None, None, True, flow_style=not value)
            levels.append(part for entry in value.items() for part in entry)
            ends.append(yaml.MappingEndEvent())
        elif isinstance(value, list):
            yield yaml.SequenceStartEvent(None, None, True, flow_style=not value)
            levels.append(iter(value))
            ends.append(yaml.SequenceEndEvent())
        else:
            yield _scalar(value)


def _scalar(value: Any) -> Any:
    import yaml

    if isinstance(value, str):
        text = str(value)
        return yaml.ScalarEvent(None, None, (_is_bare(text), True), text)
    return yaml.ScalarEvent(None, None, (True, False), _shown(value))


@cache
def _bare_words() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    import yaml

    return yaml.SafeLoader.yaml_implicit_resolvers


def _is_bare(text: str) -> bool:
    """Whether an unquoted word is a text to all readers: by our own rules, and by those of YAML 1.1."""
    return resolve(text) == text and not any(each.match(text) for _, each in _bare_words().get(text[:1], ()))


def _shown(value: Any) -> str:
    """The text of null, a bool or a number. A double needs a point: in YAML `1e+16` is a text."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value) if isinstance(value, float) else str(int(value))
    if isinstance(value, float) and not isinstance(value, Exact) and "." not in text:
        return text.replace("e", ".0e")
    return text
