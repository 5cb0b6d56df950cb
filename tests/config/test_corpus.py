"""Broken configurations of every kind: each is refused with the code, the place and the words that help.

A file's first line says what is expected: `# expect: CODE LINE:COLUMN words of the message or the hint`.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from octo.builtin import plugins
from octo.config.documents import Config
from octo.config.load import load, parse
from octo.config.report import Report
from octo.config.yaml import MOST_BYTES, read
from octo.core.errors import ConfigError

BROKEN = Path(__file__).parent / "broken"
FILES = sorted(path.name for path in BROKEN.glob("*.yaml"))
BUILTIN = plugins()

BYTES = {
    "nul": (b"flows: []\nservice: {name: a\x00b}\n", "OCTO-C102 2:18 U+0000"),
    "random": (random.Random(0).randbytes(4096), "OCTO-C102 1:1 not UTF-8"),
    "image": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "OCTO-C102 1:1 not UTF-8"),
    "latin-1": ("service: {name: Käse}\n".encode("latin-1"), "OCTO-C102 1:18 save the file as UTF-8"),
    "utf-16": ("service: {name: a}\n".encode("utf-16"), "OCTO-C102 0:0 UTF-16"),
    "truncated": ("service: {name: ä".encode()[:-1], "OCTO-C102 1:17 not UTF-8"),
    "10 MB": (b"# comment\n" * 1_000_000, "OCTO-C105 0:0 larger than 8 MiB"),
    "10 MB in one line": (b"x" * 10_000_000, "OCTO-C105 0:0 split it into several files"),
    "many values": (b"flows: [" + b"1," * 250_000 + b"]", "OCTO-C105 1:400003 more than 200,000 values"),
    "brackets": (b"[" * 1_000_000, "OCTO-C105 1:102 deeper than 100"),
    "braces": (b"{a: " * 100_000, "OCTO-C105 1:405 deeper than 100"),
    "dashes": (b"- " * 1_000_000, "OCTO-C105 1:203 deeper than 100"),
    "question marks": (b"? " * 100_000, "OCTO-C103 1:3 a key must be a text"),
    "exponential merge": (
        b"a0: &a0 {k: 1}\n"
        + b"".join(
            b"a%d: &a%d {<<: [%s], x%d: 1}\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 30), n) for n in range(1, 90)
        ),
        "OCTO-C106 ",
    ),
}


def expectation(line: str) -> tuple[str, str, str]:
    code, place, words = [*line.removeprefix("# expect: ").split(" ", 2), ""][:3]
    return code, place, words.strip()


def refusal(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, BUILTIN, {})
    return [
        f"{each.code} {each.at.line}:{each.at.column} {each.message} | {each.hint}" for each in caught.value.problems
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_refused_with_help(name: str):
    code, place, words = expectation((BROKEN / name).read_text().split("\n", 1)[0])

    (found,) = refusal(BROKEN / name)

    assert found.startswith(f"{code} {place} ")
    assert words in found


@pytest.mark.parametrize("name", BYTES)
def test_what_is_no_text_or_too_much_of_it(name: str, tmp_path: Path):
    data, expected = BYTES[name]
    (tmp_path / "flow.yaml").write_bytes(data)
    code, place, words = expectation(expected)

    (found,) = refusal(tmp_path / "flow.yaml")

    assert found.startswith(f"{code} {place}")
    assert words in found


def test_the_corpus_is_large():
    assert len(FILES) + len(BYTES) >= 100


@pytest.mark.parametrize("name", FILES)
def test_no_problem_speaks_the_language_of_the_implementation(name: str):
    text = " ".join(refusal(BROKEN / name))

    for word in ("pydantic", "validation error", "Traceback", "https://errors", "Input should", "NoneType", "dict"):
        assert word not in text


# --- anything at all ---------------------------------------------------------------------------------------------

VALID = """\
service: {name: shop}
env: [{name: STAGE, default: test}]
connectors:
- {name: web, type: http, settings: {port: 8080, requestTimeout: 5s}}
- {name: db, type: database, settings: &db {driver: sqlite, dsn: ":memory:"}}
processors:
- {name: audit, type: log, settings: {level: info}}
flows:
- name: get-item
  workers: 4
  source: {connector: web, type: http, settings: {path: "/items/{id}", methods: [GET]}}
  process:
  - ref: audit
    settings: {message: '"item " + vars.id'}
  - type: if
    condition: vars.id == "${STAGE}"
    then:
      process:
      - {type: sql, connector: db, query: select 1, args: [vars.id]}
    else: [{type: flow-ref, flow: other}]
  - type: set-payload
    value: |
      {"id": vars.id,
       "stage": env.STAGE}
  error:
  - {type: set-payload, value: '{"why": vars.error.message}'}
- name: other
  process: [{type: foreach, items: body.items, body: [{type: log}]}]
"""

PIECES = [
    *VALID.split("\n"),
    "\t",
    "  ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "'",
    '"',
    ": ",
    "&a ",
    "*a",
    "*db",
    "<<: *db",
    "${STAGE}",
]
PIECES += [
    "${X}",
    "!!str ",
    "| ",
    "> ",
    "# ",
    "? ",
    "null",
    "true",
    "1e999",
    ".nan",
    "0x",
    "---",
    "...",
    "%YAML",
    "\x00",
    "\ufeff",
    "😀",
]

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def survives(text: str) -> None:
    try:
        found = parse(text, BUILTIN, {})
    except ConfigError as error:
        problems = error.problems
    else:
        problems = []
        assert isinstance(found, Config)
    assert all(each.message and each.code for each in problems)


def test_the_valid_one_is_valid():
    assert list(parse(VALID, BUILTIN, {}).flows) == ["get-item", "other"]


@quick
@given(st.binary(max_size=400))
def test_random_bytes_are_read_or_refused(data: bytes):
    report = Report()

    file = read(data, "f", report)

    assert (file is None) <= bool(report.problems)
    assert len(data) < MOST_BYTES


@quick
@given(st.text(max_size=200))
def test_random_text_is_a_configuration_or_a_config_error(text: str):
    survives(text)


@quick
@given(st.data())
def test_a_mutated_configuration_is_a_configuration_or_a_config_error(data: st.DataObject):
    text = VALID
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        end = min(len(text), at + data.draw(st.sampled_from([0, 0, 1, 3, 20])))
        text = text[:at] + data.draw(st.sampled_from(PIECES)) + text[end:]
    survives(text)


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["x", "", "body", "log", "web", "${STAGE}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "name", "ref", "settings", "process", "then", "cases", "when", "source", "connector", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@quick
@given(st.sampled_from(["service", "env", "connectors", "processors", "flows", "resources"]), _values)
def test_any_tree_is_a_configuration_or_a_config_error(section: str, value: object):
    import json

    survives(json.dumps({section: value}))
    survives(json.dumps({section: [value]}))
    survives(json.dumps({"flows": [{"name": "f", "process": [{"type": "switch", "cases": [value]}, value]}]}))
