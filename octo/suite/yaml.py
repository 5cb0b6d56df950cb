"""Values as YAML that a test file reads back as they were."""

from __future__ import annotations

import re

import yaml

from octo.core.charsets import Text
from octo.core.content import Held
from octo.core.spool import Content
from octo.expr.scalars import resolve
from octo.expr.values import Duration, Exact, Timestamp

_BREAKS = re.compile("[\x85\u2028\u2029]")
"""Line ends of YAML that other readers take for characters."""


class _Plain(yaml.SafeDumper):
    """As people write it: a value that stands in two places is written twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  the library's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  see above
        super().increase_indent(flow, False)  # a list stands below its key, indented


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text.strip() else None
    if _BREAKS.search(text):
        style = '"'  # the only one that has escapes for them
    elif text and resolve(text) != text:  # we read `1e3` as a number, and the library does not
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _held(dumper: yaml.SafeDumper, value: Held) -> yaml.Node:
    return dumper.represent_dict(dict(value))


_Plain.add_representer(str, _text)
_Plain.add_representer(Text, lambda dumper, text: _text(dumper, str(text)))
_Plain.add_representer(Held, _held)
_Plain.add_representer(Content, lambda dumper, data: dumper.represent_binary(data.read()))
_Plain.add_representer(Exact, lambda dumper, number: dumper.represent_scalar("tag:yaml.org,2002:float", number.literal))
for kind in (Timestamp, Duration):
    _Plain.add_representer(kind, lambda dumper, time: dumper.represent_str(str(time)))


def dump(value: object) -> str:
    """The value as YAML."""
    return yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
