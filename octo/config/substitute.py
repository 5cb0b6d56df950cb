"""`${NAME}` in the values of a configuration.

The inserted value stays text; the type of the field decides how it is read, so a password of digits stays a password
and `port: ${PORT}` becomes a number. `$${` is a literal `${`. Keys are left alone, and so are `env:` and `resources:`,
which are read before the variables have values.
"""

from __future__ import annotations

import re

from octo.config import codes
from octo.config.env import Environment
from octo.config.place import Path, Source
from octo.config.reader import did_you_mean
from octo.config.report import Report
from octo.config.yaml import File, Node

_PLACEHOLDER = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
LITERAL = ("env", "resources")


def literal(file: File) -> Source:
    """The file as written."""
    return Source(file, _plain(file.root))


def substitute(file: File, environment: Environment, report: Report) -> Source:
    """The file with the values of its variables."""
    work = _Substitution(file, environment, report)
    return Source(file, work.value(file.root, ()), work.used, work.broken)


def _plain(node: Node) -> object:
    if isinstance(node.value, dict):
        return {key: _plain(each) for key, each in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(each) for each in node.value]
    return node.value


class _Substitution:
    def __init__(self, file: File, environment: Environment, report: Report) -> None:
        self.file = file
        self.environment = environment
        self.report = report
        self.used: dict[Path, dict[str, None]] = {}
        self.broken: set[Path] = set()

    def value(self, node: Node, path: Path) -> object:
        if isinstance(node.value, dict):
            return {
                key: _plain(each) if not path and key in LITERAL else self.value(each, (*path, key))
                for key, each in node.value.items()
            }
        if isinstance(node.value, list):
            return [self.value(each, (*path, index)) for index, each in enumerate(node.value)]
        if isinstance(node.value, str) and "${" in node.value:
            return self.text(node, node.value, path)
        return node.value

    def text(self, node: Node, text: str, path: Path) -> str:
        names = dict.fromkeys(name for name in _PLACEHOLDER.findall(text) if name)
        values = self.environment.values
        above = [path[:size] for size in range(len(path) + 1)]
        if any(name not in values or name in self.environment.missing for name in names):
            self.broken.update(above)
            self.complain(node, text)
            return text
        if names:
            for each in above:
                self.used.setdefault(each, {}).update(names)
        return _PLACEHOLDER.sub(lambda match: values[match[1]] if match[1] else "${", text)

    def complain(self, node: Node, text: str) -> None:
        for match in _PLACEHOLDER.finditer(text):
            name = match[1]
            if not name or name in self.environment.values or name in self.environment.missing:
                continue
            before = text[: match.start()]
            at = self.file.inside(node, before.count("\n") + 1, match.start() - before.rfind("\n"))
            if name in self.environment.declared:
                message = f"`${{{name}}}` is used here, but `{name}` has neither a value nor a default"
                hint = f"set `{name}`, or give it a `default` under `env:`"
                self.report.error(codes.VARIABLE_NOT_SET, at, message, hint)
            else:
                hint = did_you_mean(name, self.environment.declared, _how_to_declare(name))
                self.report.error(codes.UNDECLARED_VARIABLE, at, f"the variable `{name}` is not declared", hint)


def _how_to_declare(name: str) -> str:
    return f"declare it under `env:` with `- name: {name}`, or write `$${{` for a literal `${{`"
