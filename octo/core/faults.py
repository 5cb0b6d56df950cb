"""Where a value does not fit a JSON Schema, and why, in a bounded number of steps.

The message of a fault says what the schema asks for and never quotes the value, which may be long or secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import cache, lru_cache
from itertools import islice
from typing import Any, NamedTuple

from octo.core import codec
from octo.core.bounded import bounded

MOST_STEPS = 20_000
"""Keywords that are looked at for one value, about 100 ms. After that, what was found is all."""
FIRST_STEPS, STEPS_OF_EACH = 1_000, 40
"""A small value has fewer: the same, and those for each value in it. Else a few bytes would cost as much as many."""
MOST_REPEATED = 10
"""Times that the same fault may come up: a value may be checked in several places of a schema."""
MOST_POINTER = 500
MOST_MESSAGE = 200
MOST_SHOWN = 40
"""Characters of a text of the schema or a value, in a message."""

Keyword = Callable[[Any, Any, Any, Any], Iterable[Any] | None]
_steps: ContextVar[list[int]] = ContextVar("octo.faults")


class Fault(NamedTuple):
    """One thing that is wrong with a value. pointer: the place, a JSON Pointer (RFC 6901); "" is the whole value."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the value'}: {self.message}"


class _Enough(Exception):
    """The steps are used up."""


class Explainer:
    """Lists the faults of values that do not fit a schema, which must be a valid one."""

    def __init__(self, schema: Any) -> None:
        from jsonschema import Draft202012Validator
        from jsonschema.validators import validator_for
        from jsonschema_specifications import REGISTRY

        base = validator_for(schema, default=Draft202012Validator)
        # Without a registry the library fetches what a reference names.
        self._validator = _explaining(base, _has_patterns(schema))(schema, registry=REGISTRY)

    def faults(self, value: object, most: int) -> list[Fault]:
        """Return at most so many faults of a value that does not fit; there is always one, at worst without a place."""
        found: dict[Fault, None] = {}
        token = _steps.set([_steps_for(value)])
        try:
            for error in islice(self._validator.iter_errors(_brief(value)), MOST_REPEATED * most):
                found[_fault(error)] = None
                if len(found) == most:
                    break
        except (_Enough, RecursionError, ArithmeticError, TypeError):  # a decimal and a double have no quotient
            pass
        finally:
            _steps.reset(token)
        return list(found) or [Fault("", "does not fit the schema")]


# --- the library, with bounds ------------------------------------------------------------------------------------


@cache
def _explaining(base: Any, has_patterns: bool) -> Any:
    """Return the library's class without what could take for ever: it searches for patterns with `re`."""
    from jsonschema.validators import extend

    keywords = {
        **base.VALIDATORS,
        "required": _required,
        "pattern": _text("pattern"),
        "format": _text("format"),
        "uniqueItems": _unique_items,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    if has_patterns:
        keywords["unevaluatedProperties"] = lambda *_: None
    return extend(base, {name: _counted(each) for name, each in keywords.items()})


def _has_patterns(schema: object) -> bool:
    if isinstance(schema, dict):
        return "patternProperties" in schema or any(map(_has_patterns, schema.values()))
    return isinstance(schema, list) and any(map(_has_patterns, schema))


def _counted(keyword: Keyword) -> Keyword:
    def check(validator: Any, wanted: Any, instance: Any, schema: Any) -> Iterable[Any] | None:
        _step()
        return keyword(validator, wanted, instance, schema)

    return check


def _steps_for(value: object) -> int:
    count, waiting = FIRST_STEPS, [value]
    while waiting and count < MOST_STEPS:
        each = waiting.pop()
        count += STEPS_OF_EACH
        waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
    return min(count, MOST_STEPS)


def _step() -> None:
    steps = _steps.get()
    steps[0] -= 1
    if steps[0] < 0:
        raise _Enough


def _error(message: str = "", path: Iterable[str | int] = ()) -> Any:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message, path=tuple(path))


def _required(_: Any, names: Any, instance: Any, __: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        yield from (_error(f"the property {_shown(name)} is missing") for name in names if name not in instance)


def _text(keyword: str) -> Keyword:
    def check(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not _fits(keyword, wanted, instance):
            yield _error()

    return check


def _fits(keyword: str, wanted: str, text: str) -> bool:
    return bool(_judge(keyword, wanted).is_valid(str(text)))


@lru_cache(maxsize=256)
def _judge(keyword: str, wanted: str) -> Any:
    import jsonschema_rs

    schema = {keyword: wanted}
    return jsonschema_rs.validator_for(schema, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True)


def _unique_items(_: Any, is_wanted: Any, instance: Any, __: Any) -> Iterator[Any]:
    if is_wanted and isinstance(instance, list):
        known: set[str] = set()
        for index, each in enumerate(instance):
            _step()
            text = json.dumps(_counting(each), sort_keys=True, default=str)
            if text in known:
                yield _error("is in the list before", [index])
            known.add(text)


def _counting(value: Any) -> Any:
    """Return the value with whole numbers written in one way: 1 and 1.0 are the same."""
    if isinstance(value, dict):
        return {key: _counting(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_counting(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _pattern_properties(validator: Any, patterns: Any, instance: Any, _: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        for pattern, inner in patterns.items():
            for name, each in instance.items():
                _step()
                if _fits("pattern", pattern, name):
                    yield from validator.descend(each, inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, inner: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    for name, each in instance.items():
        _step()
        if name in known or any(_fits("pattern", pattern, name) for pattern in patterns):
            continue
        if inner is False:
            yield _error("is not a known property", [name])
        else:
            yield from validator.descend(each, inner, path=name)


# --- values whose `repr` is short, because the library writes it into every message ------------------------------


class _Map(dict[str, Any]):
    __slots__ = ()

    def __repr__(self) -> str:
        return "an object"


class _List(list[Any]):
    __slots__ = ()

    def __repr__(self) -> str:
        return "a list"


class _Text(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return "a text"


def _brief(value: object) -> object:
    if isinstance(value, dict):
        return _Map((key, _brief(each)) for key, each in value.items())
    if isinstance(value, list):
        return _List(map(_brief, value))
    return _Text(value) if isinstance(value, str) else value


# --- messages ----------------------------------------------------------------------------------------------------

_KINDS = {bool: "a boolean", type(None): "null", _Map: "an object", _List: "a list", _Text: "a text"}
_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "a boolean",
    "null": "null",
}
_MESSAGES: dict[str, Callable[[Any], str]] = {
    "enum": lambda wanted: f"must be one of {', '.join(map(_shown, wanted[:10]))}{', ...' if len(wanted) > 10 else ''}",
    "const": lambda wanted: f"must be {_shown(wanted)}",
    "minimum": lambda wanted: f"must be at least {_shown(wanted)}",
    "maximum": lambda wanted: f"must be at most {_shown(wanted)}",
    "exclusiveMinimum": lambda wanted: f"must be more than {_shown(wanted)}",
    "exclusiveMaximum": lambda wanted: f"must be less than {_shown(wanted)}",
    "multipleOf": lambda wanted: f"must be a multiple of {_shown(wanted)}",
    "minLength": lambda wanted: f"must have at least {wanted} {_plural('character', wanted)}",
    "maxLength": lambda wanted: f"must have at most {wanted} {_plural('character', wanted)}",
    "minItems": lambda wanted: f"must have at least {wanted} {_plural('item', wanted)}",
    "maxItems": lambda wanted: f"must have at most {wanted} {_plural('item', wanted)}",
    "minProperties": lambda wanted: f"must have at least {wanted} {'property' if wanted == 1 else 'properties'}",
    "maxProperties": lambda wanted: f"must have at most {wanted} {'property' if wanted == 1 else 'properties'}",
    "items": lambda _: "has too many items",
    "unevaluatedItems": lambda _: "has too many items",
    "unevaluatedProperties": lambda _: "has properties that are not known",
    "pattern": lambda wanted: f"must match the pattern {_shown(wanted)}",
    "format": lambda wanted: f"must have the format {wanted}",
    "anyOf": lambda wanted: f"fits none of the {len(wanted)} alternatives",
    "not": lambda _: "fits what the schema excludes",
    "contains": lambda _: "has too few or too many items of the kind that the schema asks for",
}


def _fault(error: Any) -> Fault:
    from jsonschema.exceptions import best_match

    best = best_match([error])
    path = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in best.absolute_path)
    is_name = "propertyNames" in best.absolute_schema_path
    message = f"a property has a name that {_message(best)}" if is_name else _message(best)
    return Fault(bounded(path, MOST_POINTER), bounded(message, MOST_MESSAGE))


def _message(error: Any) -> str:
    keyword, wanted = error.validator, error.validator_value
    if keyword is None:
        return "is not allowed"
    if keyword == "type":
        kinds = [_TYPES.get(each, each) for each in ([wanted] if isinstance(wanted, str) else wanted)]
        number = "a fraction" if "integer" in wanted else "a number"
        return f"must be {' or '.join(kinds)}, not {_KINDS.get(type(error.instance), number)}"
    if keyword == "oneOf":
        return "fits none of the alternatives" if error.context else "fits more than one of the alternatives"
    say = _MESSAGES.get(keyword)
    return say(wanted) if say else str(error.message)


def _plural(word: str, count: object) -> str:
    return word if count == 1 else f"{word}s"


def _shown(value: object) -> str:
    return bounded(codec.write(value).decode(), MOST_SHOWN)
