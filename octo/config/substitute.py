"""`${NAME}` and `${NAME:-default}` in the values of a configuration.

The inserted value stays text; the type of the field decides how it is read, so a password of digits stays a password
and `port: ${PORT}` becomes a number. As in a shell, the default replaces a value that is missing or empty. `$${` is a
literal `${`, and what nearly looks like a reference is refused, because as text it would never be noticed.

Keys are left alone, and so are `env:` and `resources:`, which are read before the variables have values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from octo.config import codes
from octo.config.env import Environment, not_stored
from octo.config.place import Path, Source
from octo.config.reader import did_you_mean
from octo.config.report import Report
from octo.config.yaml import File, Node
from octo.core.secrets import mask

_PLACEHOLDER = re.compile(
    r"""
    \$\$\{ | \$\{ (?:
        (?P<name> [A-Za-z_][A-Za-z0-9_]* ) (?: :- (?P<default> [^{}]* ) )? \}
        # Nearly one: a single word, perhaps with something after it that is no word; a second brace; nothing at all;
        # or a name whose brace is not closed on its line. The limit keeps the search linear.
      | (?P<near> \s* (?: [\w.]+ \s* (?: [^\w\s.}] [^}\n]{0,200} )? | \{ [^}\n]{0,200} )? \}
                | [ \t]* [A-Za-z_]\w* (?![\w}]) [^}\n]{0,200} (?= \n | \Z ) )
    )
    """,
    re.VERBOSE,
)
LITERAL = ("env", "resources")


def literal(file: File) -> Source:
    """The file as written."""
    return Source(file, plain(file.root))


def references(text: str) -> Iterator[tuple[str, str | None]]:
    """The name and the own default of each reference in a text."""
    return ((match["name"], match["default"]) for match in _PLACEHOLDER.finditer(text) if match["name"])


def replaced(text: str, value: Callable[[str, str | None], str]) -> str:
    """The text with what `value` returns for the name and the own default of each reference."""
    return _PLACEHOLDER.sub(lambda match: value(match["name"], match["default"]) if match["name"] else "${", text)


def substitute(file: File, environment: Environment, report: Report) -> Source:
    """The file with the values of its variables."""
    work = _Substitution(file, environment, report)
    return Source(file, work.value(file.root, ()), work.used, work.broken)


def plain(node: Node) -> object:
    """The value of a node as written."""
    if isinstance(node.value, dict):
        return {key: plain(each) for key, each in node.value.items()}
    if isinstance(node.value, list):
        return [plain(each) for each in node.value]
    return node.value


class _Substitution:
    def __init__(self, file: File, environment: Environment, report: Report) -> None:
        self.file = file
        self.environment = environment
        self.report = report
        self.used: dict[Path, dict[str, None]] = {}
        self.broken: set[Path] = set()
        self.settled = environment.missing | environment.unset  # nothing is to be said of those
        self.told: set[str] = set()  # variables that lack a value: each is told where it is used first

    def value(self, node: Node, path: Path) -> object:
        if isinstance(node.value, dict):
            return {
                key: plain(each) if not path and key in LITERAL else self.value(each, (*path, key))
                for key, each in node.value.items()
            }
        if isinstance(node.value, list):
            return [self.value(each, (*path, index)) for index, each in enumerate(node.value)]
        if isinstance(node.value, str) and "${" in node.value:
            return self.text(node, node.value, path)
        return node.value

    def text(self, node: Node, text: str, path: Path) -> str:
        found = list(_PLACEHOLDER.finditer(text))
        names = dict.fromkeys(match["name"] for match in found if match["name"])
        above = [path[:size] for size in range(len(path) + 1)]
        if any(self.fails(match) for match in found):
            self.broken.update(above)
            self.complain(node, text, found)
            return text
        if names:
            for each in above:
                self.used.setdefault(each, {}).update(names)
        return _PLACEHOLDER.sub(self.inserted, text)

    def fails(self, match: re.Match[str]) -> bool:
        name, known = match["name"], self.environment
        if not name:
            return match["near"] is not None
        has_value = name in known.values or match["default"] is not None
        return name not in known.declared or name in known.missing or not has_value

    def inserted(self, match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        if not name:
            return "${"
        value = self.environment.values.get(name, "")
        if value or default is None:
            return value
        if self.environment.declared[name].secret:
            mask(default, name)
        return default

    def complain(self, node: Node, text: str, found: list[re.Match[str]]) -> None:
        for match in found:
            name = match["name"]
            if not self.fails(match) or name in self.settled or name in self.told:
                continue
            before = text[: match.start()]
            at = self.file.inside(node, before.count("\n") + 1, match.start() - before.rfind("\n"))
            if not name:
                self.report.error(codes.UNDECLARED_VARIABLE, at, *_nearly(match[0]))
            elif name in self.environment.declared:
                message = f"`${{{name}}}` is used here, but `{name}` has neither a value nor a default"
                hint = f"set `{name}`, or give it a `default` under `env:`"
                hint += not_stored(self.environment.declared[name], self.environment.secrets)
                self.report.error(codes.VARIABLE_NOT_SET, at, message, hint)
                self.told.add(name)
            else:
                hint = did_you_mean(name, self.environment.declared, _how_to_declare(name))
                self.report.error(codes.UNDECLARED_VARIABLE, at, f"the variable `{name}` is not declared", hint)


_MESSAGE = ("body", "vars")
"""What an expression reads of a message, by its name alone."""


def _nearly(text: str) -> tuple[str, str]:
    """The message and the hint for what is no reference. What follows the name is not shown: it may be a secret."""
    begin = re.match(r"\$\{[{\s]*[\w.]{0,40}", text)
    shown = begin[0] if begin else "${"
    is_whole = text.rstrip("} ") == shown.rstrip()
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", shown) or ["NAME"]
    message = f"`{text[:60] if is_whole else shown + '...'}` is no reference to a variable"
    if words[0] in _MESSAGE and len(words) > 1:
        path = ".".join(words)
        where = f"an expression has `{path}` itself, a path `{{{path}}}`, a query `$1` with `args: [{path}]`"
        return message, f"it is for variables of the environment; {where}"
    name = words[-1]
    return message, f"write `${{{name}}}` or `${{{name}:-default}}`, or `$${{` for a literal `${{`"


def _how_to_declare(name: str) -> str:
    return f"declare it under `env:` with `- name: {name}`, or write `$${{` for a literal `${{`"
