"""The child process that answers one question: JSON on standard input, JSON on what was standard output.

What modules of the project print goes to standard error.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import orjson

from octo.cli.authoring import codes, inspecting, searching, trying, veil
from octo.cli.authoring.refusal import Refused
from octo.core import codec
from octo.core.bounded import bounded
from octo.core.errors import ConfigError, OctoError
from octo.trace.mask import secrets

Answer = dict[str, object]

VERBS: Mapping[str, Callable[..., Answer]] = {
    "check": inspecting.check,
    "doc": inspecting.doc,
    "eval": trying.evaluate,
    "example": searching.example,
    "explain": inspecting.explain,
    "guarantees": inspecting.guarantees,
    "invoke": trying.invoke,
    "outline": inspecting.outline,
    "search": searching.search,
    "servers": trying.servers,
    "test": trying.test,
    "traces": inspecting.traces,
    "why": trying.why,
}

MOST_TEXT = 24_000
"""Characters of a text in an answer, at most."""
MOST_ITEMS = 300
"""Values of a list or map, at most."""
MOST_DEEP = 40


def main() -> None:
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    question = orjson.loads(sys.stdin.buffer.read())
    _end_after(question["most"])
    veil.lower(Path())
    told = answered(question["verb"], question["given"])
    answer.write(codec.write(veil.veiled(secrets(_cut(told)))))
    answer.flush()
    # A module may have left threads behind that never end.
    sys.stderr.flush()
    os._exit(0)


def _end_after(seconds: float) -> None:
    """End this process by then, also if the one that asked has gone."""
    timer = threading.Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()


def answered(verb: str, given: Mapping[str, object]) -> Answer:
    """The answer to a question, or why there is none."""
    try:
        return VERBS[verb](**given)
    except ConfigError as error:
        return {"ok": False, "problems": [each.as_json() for each in error.problems]}
    except Refused as error:
        return {"refused": error.as_json()}
    except click.ClickException as error:
        return {"refused": {"code": codes.MISSING, "message": error.message}}
    except OctoError as error:
        return {"refused": {"code": error.code, "message": str(error)}}


def _cut(value: object, depth: int = 0) -> object:
    """The value with so much of it as a model can take."""
    if isinstance(value, str):
        return bounded(value, MOST_TEXT)
    if depth > MOST_DEEP:
        return "..."
    if isinstance(value, Mapping):
        items = [(str(name), _cut(each, depth + 1)) for name, each in list(value.items())[:MOST_ITEMS]]
        return dict(items + ([("...", f"{len(value)} in all")] if len(value) > MOST_ITEMS else []))
    if isinstance(value, list | tuple):
        more = [f"... {len(value)} in all"] if len(value) > MOST_ITEMS else []
        return [*(_cut(each, depth + 1) for each in value[:MOST_ITEMS]), *more]
    return value


if __name__ == "__main__":
    main()
