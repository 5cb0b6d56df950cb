"""The process that forks one for each question.

It imports what most questions need, and then reads connections from standard input. A fork says its id, reads one
question as JSON, and writes the answer as JSON. What modules of the project print goes to standard error.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import click

from octo.cli.authoring import codes, inspecting, searching, trying, veil
from octo.cli.authoring.refusal import Refused
from octo.cli.authoring.worker import PUBLIC
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

_PARTS = (
    *("octo.cli.check", "octo.cli.entries", "octo.cli.why", "octo.config.guarantees", "octo.debug"),
    *("octo.engine.invoke", "octo.suite", "octo.suite.results", "octo.trace.memory", "octo.trace.recorder"),
    *("octo.trace.values", "octo.trace.writer"),
)
"""What is imported before the first question. None of it starts a thread, which no fork would have."""
_USUAL = """
connectors: [{name: web, type: http, settings: {port: 1}}]
flows:
  - name: a
    source: {connector: web, type: http, settings: {path: /}}
    process: [{type: set-payload, value: body}, {type: log}]
"""

MOST_BYTES = 200_000
"""Bytes of an answer, at most."""
SIZES = ((24_000, 300), (4_000, 100), (1_000, 50), (200, 20), (50, 10), (20, 3))
"""Characters of a text and values of a list or map, at most; of a large answer, what makes it fit."""
MOST_DEEP = 40

Tell = Callable[[bytes], None]
Said = Callable[[Mapping[str, Any], Tell], bytes]
"""Gives the answer to a question: a line, without its end. It may tell whole lines before."""


def main() -> None:
    serve(_said)


def _said(question: Mapping[str, Any], _: Tell) -> bytes:
    veil.lower(Path())
    verb = question["verb"]
    return _written(answered(VERBS, verb, question["given"]), is_public=verb in PUBLIC)


def serve(said: Said) -> None:
    """Fork a process for each question that comes, until none will. said: what such a process says to its question."""
    os.dup2(2, 1)
    _prepare()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    with socket.socket(fileno=os.dup(0)) as control:
        while True:
            heard, descriptors, *_ = socket.recv_fds(control, 1, 1)
            if not heard:
                return
            [descriptor] = descriptors
            if not os.fork():
                _work(control, socket.socket(fileno=descriptor), said)
            os.close(descriptor)


def _work(control: socket.socket, asker: socket.socket, said: Said) -> NoReturn:
    """Answer one question, and end together with all that was started for it."""
    control.close()
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        asker.sendall(f"{os.getpid()}\n".encode())
        with asker.makefile("rb") as file:
            question = codec.read(file.read())
        _end_after(question["most"])
        asker.sendall(said(question, asker.sendall))
        asker.close()
    except BaseException:  # noqa: BLE001  it must not go on as the process that forks
        traceback.print_exc()
    sys.stderr.flush()
    os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _prepare() -> None:
    """Import the usual parts of a flow, and what reads and runs them."""
    for name in _PARTS:
        importlib.import_module(name)
    from octo.builtin import plugins
    from octo.config.load import parse

    parse(_USUAL, plugins(), {})


def _end_after(seconds: float) -> None:
    """End this process by then, also if the one that asked has gone."""
    timer = threading.Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()


def answered(verbs: Mapping[str, Callable[..., Answer]], verb: str, given: Mapping[str, object]) -> Answer:
    """The answer to a question, or why there is none."""
    try:
        return verbs[verb](**given)
    except ConfigError as error:
        return {"ok": False, "problems": [each.as_json() for each in error.problems]}
    except Refused as error:
        return {"refused": error.as_json()}
    except click.ClickException as error:
        return {"refused": {"code": codes.MISSING, "message": error.message}}
    except OctoError as error:
        return {"refused": {"code": error.code, "message": str(error)}}
    except (Exception, SystemExit) as error:  # noqa: BLE001  a module of the project, or a package, may do anything
        traceback.print_exc()
        return {"refused": {"code": codes.BROKE, "message": f"{type(error).__name__}: {error}"}}


def _written(told: Answer, *, is_public: bool) -> bytes:
    """The answer as JSON, with so much of it as a model can take, and without secrets."""
    shown = told if is_public else secrets(told)
    for most, items in SIZES:
        fitting = cut(shown, most, items)
        data = codec.write(fitting if is_public else veil.veiled(fitting))
        if len(data) <= MOST_BYTES:
            break
    return data


def cut(value: object, most: int, items: int, depth: int = 0) -> object:
    """The value with at most so many characters of a text, and values of a list or map."""
    if isinstance(value, str):
        return bounded(value, most)
    if depth > MOST_DEEP:
        return "..."
    if isinstance(value, Mapping):
        kept = {str(name): cut(each, most, items, depth + 1) for name, each in islice(value.items(), items)}
        return kept if len(value) <= items else {**kept, "...": f"{len(value)} in all"}
    if isinstance(value, list | tuple):
        more = [f"... {len(value)} in all"] if len(value) > items else []
        return [*(cut(each, most, items, depth + 1) for each in value[:items]), *more]
    return value


if __name__ == "__main__":
    main()
