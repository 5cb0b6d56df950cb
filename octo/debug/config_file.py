"""The debug configuration: one file that says what to send into a flow and what to watch.

input: {data: {amount: 10}, vars: {method: POST}}     `contentType` makes a text or bytes raw content
breakAt: orders.charge
spies: [orders.check]
mocks:
  orders.charge: {default: {body: {id: c1}}}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from octo.config import codes as config_codes
from octo.config.place import Place
from octo.config.reader import Reader, kind
from octo.config.report import Report
from octo.config.substitute import literal
from octo.config.yaml import MOST_BYTES, read as read_yaml
from octo.core import written
from octo.core.errors import ConfigError, Position, Problem
from octo.debug import codes
from octo.debug.mocks import Mock, MockError, parse

NOTHING: Mapping[str, str] = {}


class DebugConfig(NamedTuple):
    """What a debug configuration says. For each part, `octo invoke` has a flag that replaces it.

    has_data: whether `input.data` is there; it may be null. places: the position of each address in the file.
    """

    has_data: bool = False
    data: object = None
    vars: Mapping[str, object] = NOTHING
    raw: bool = False
    break_at: str | None = None
    spies: tuple[str, ...] = ()
    mocks: Mapping[str, Mock] = {}
    places: Mapping[str, Position] = {}


def read(path: Path, env: Mapping[str, str] = NOTHING) -> DebugConfig:
    """Return the debug configuration in a YAML or JSON file. Raises `ConfigError` with every problem and its place.

    env: the values of `env.NAME` in the expressions of mocks.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        message = f"the file cannot be read: {error.strerror}"
        raise ConfigError([Problem(config_codes.NOT_FOUND, Position(str(path)), message)]) from None
    report = Report()
    tree = read_yaml(_as_yaml(data), str(path), report, with_bytes=True)
    found = DebugConfig() if tree is None else _Reader(report, env).config(literal(tree).top)
    report.raise_if_any()
    return found


_ESCAPE = re.compile(rb"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|\\.", re.IGNORECASE)


def _as_yaml(data: bytes) -> bytes:
    """Make JSON readable as YAML: our YAML allows neither tabs nor characters written as two escapes."""
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return data
    return _ESCAPE.sub(lambda found: _character(found) if found[1] else found[0], data.replace(b"\t", b" "))


def _character(found: re.Match[bytes]) -> bytes:
    pair = bytes.fromhex((found[1] + found[2]).decode())
    return pair.decode("utf-16-be").encode()


class _Reader:
    def __init__(self, report: Report, env: Mapping[str, str]) -> None:
        self.report = report
        self.reader = Reader(report)
        self.env = env
        self.places: dict[str, Position] = {}

    def config(self, top: Place) -> DebugConfig:
        fields = self.reader.mapping(top, ("input", "breakAt", "spies", "mocks"), "a debug configuration")
        given = self.reader.mapping(fields.get("input"), ("data", "vars", "contentType"), "`input`")
        data, content_type = given.get("data"), given.get("contentType")
        variables = self.reader.free_mapping(given.get("vars"), "`vars`")
        return DebugConfig(
            has_data=data is not None,
            data=None if data is None else self.body(data, content_type),
            raw=content_type is not None,
            vars={name: place.value for name, place in variables.items()},
            break_at=self.address(fields.get("breakAt")),
            spies=tuple(filter(None, map(self.address, self.reader.entries(fields.get("spies"))))),
            mocks=self.mocks(fields.get("mocks")),
            places=self.places,
        )

    def body(self, place: Place, content_type: Place | None) -> object:
        try:
            return written.body(place.value, None if content_type is None else content_type.value)
        except ValueError as error:
            self.report.error(config_codes.WRONG_SHAPE, place.at, str(error))
            return None

    def address(self, place: Place | None) -> str | None:
        if place is None or place.value is None:
            return None
        if not isinstance(place.value, str):
            self.reader.wrong(place, f"expected the address of a block, found {kind(place.value)}", "write FLOW.BLOCK")
            return None
        self.places.setdefault(place.value, place.at)
        return place.value

    def mocks(self, place: Place | None) -> dict[str, Mock]:
        found = {}
        for address, spec in self.reader.free_mapping(place, "`mocks`").items():
            self.places.setdefault(address, spec.key_at)
            try:
                found[address] = parse(spec.value, address, self.env)
            except MockError as error:
                at = (spec.walk(error.path) or spec).key_at
                self.report.error(codes.MOCK, at, str(error))
        return found
