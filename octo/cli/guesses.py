"""What people type who know other programs, and the command that does it here."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from octo.expr import nearest

_COMMANDS = {
    "run": "serve server start up exec-all launch",
    "run --watch": "dev watch develop live hot",
    "invoke": "call exec execute trigger send fire",
    "check": "validate lint verify vet build compile parse",
    "new": "init create scaffold generate template quickstart example",
    "test": "tests spec verify-all",
    "test --cover": "cover coverage",
    "list": "ls components capabilities blocks connectors sources functions catalog catalogue",
    "doc": "docs man describe show reference info",
    "eval": "cel expr expression repl evaluate",
    "top": "status stats ps metrics monitor",
    "traces": "history",
    "explain": "error errors code codes",
    "bench": "benchmark perf load profile",
    "schema": "json-schema jsonschema",
    "completion": "completions autocomplete",
    "doctor": "diagnose health env",
}
"""Command here: words elsewhere."""

_REASONS = {
    "stop": "Ctrl-C or SIGTERM ends `octo run`; messages in flight finish",
    "down": "Ctrl-C or SIGTERM ends `octo run`; messages in flight finish",
    "restart": "`octo run --watch` takes every save without a restart",
    "reload": "`octo run --watch` takes every save without a restart",
    "fmt": "Octo formats no files; `octo check` finds what is wrong in them",
    "format": "Octo formats no files; `octo check` finds what is wrong in them",
    "install": "Octo is a Python package: pip install octo-flows",
    "update": "Octo is a Python package: pip install --upgrade octo-flows",
    "upgrade": "Octo is a Python package: pip install --upgrade octo-flows",
    "debug": "`octo invoke --spies ADDRESS` shows what goes into and out of a block",
}
"""Words elsewhere for what no command does here."""

_PARTS = {
    "dlq": {
        "list": "ls",
        "show": "get view inspect peek",
        "replay": "retry redrive redeliver requeue resend rerun",
        "purge": "delete rm remove clear drop",
    },
    "secrets": {
        "list": "ls",
        "get": "show read view cat",
        "set": "add put create write update",
        "rm": "delete del remove unset",
        "keygen": "key keys genkey init",
    },
    "deployments": {
        "list": "ls",
        "show": "get view inspect describe status",
        "releases": "history versions revisions",
        "pause": "stop",
        "resume": "start unpause continue",
        "rm": "delete del remove destroy",
    },
}
"""For each command that has commands: the one here, and words elsewhere."""

_OPTIONS = {
    "run": {
        "--reload": "--watch",
        "--dev": "--watch",
        "--hot-reload": "--watch",
        "--workers": "--processes",
        "--file": "--config",
        "-f": "--config",
        "-p": "--port",
        "--verbose": "--log-level debug",
        "-v": "--log-level debug",
        "--debug": "--log-level debug",
        "--log": "--log-level",
        "--trace": "--traces",
        "--admin-port": "--admin-addr HOST:PORT",
    },
    "invoke": {"--body": "--data", "--input": "--data", "--payload": "--data", "--name": "--flow", "--var": "--vars"},
    "test": {"--coverage": "--cover", "--filter": "-k", "--only": "-k", "--jobs": "--parallel", "-n": "--parallel"},
    "check": {"--json": "--format json", "--output": "--format"},
    **{f"dlq {each}": {"--json": "--format json"} for each in ("list", "show", "replay", "purge")},
    **{f"secrets {each}": {"--services": "--store FILE"} for each in ("list", "get", "set", "rm", "rotate")},
    "new": {"-t": "--template", "--type": "--template", "--kind": "--template"},
}
"""For each command: options elsewhere, and the option here."""


def of_command(word: str, rest: Sequence[str], known: Sequence[str]) -> str:
    """What to type instead of a command that does not exist; "" if nothing comes to mind."""
    lower = word.lower().lstrip("-")
    if lower in _REASONS:
        return _REASONS[lower]
    words = {each: here for here, words in _COMMANDS.items() if here.split()[0] in known for each in words.split()}
    if lower in words:
        return f"Try: {_typed(words[lower].split(), rest)}"
    if guess := nearest(word, known):
        return f"Did you mean {guess!r}? Try: {_typed([guess], rest)}"
    guess = nearest(lower, words)
    return f"Try: {_typed(words[guess].split(), rest)}" if guess else ""


def of_part(verb: str, word: str, known: Sequence[str]) -> str:
    """The command of a verb that does what a word elsewhere does, or ""."""
    lower = word.lower().lstrip("-")
    found = (here for here, words in _PARTS.get(verb, {}).items() if lower in words.split())
    return next(found, None) or nearest(word, known) or ""


def of_option(verb: str, option: str) -> str:
    """The option of a verb that does what an option elsewhere does, or ""."""
    return _OPTIONS.get(verb, {}).get(option, "")


def _typed(command: Sequence[str], rest: Sequence[str]) -> str:
    line = shlex.join(["octo", *command, *rest])
    return line if len(line) <= 200 else shlex.join(["octo", *command])
