"""A debug configuration is read, and every mistake is reported with its place."""

from __future__ import annotations

import json

import pytest

from octo.core.errors import ConfigError
from octo.core.message import Message
from octo.debug import config_file

GOOD = """
input:
  data: {amount: 10}
  vars: {method: POST}
breakAt: f.charge
spies: [f.check, 'f.check[then].x']
mocks:
  f.charge:
    cases: [{when: 'env.MODE == "dry"', error: declined}]
    default: {body: null}
"""


@pytest.fixture
def read(tmp_path):
    def reading(text, name="debug.yaml", **env):
        path = tmp_path / name
        path.write_text(text)
        return config_file.read(path, env)

    return reading


def test_everything_is_read(read):
    found = read(GOOD, MODE="dry")

    assert found.has_data
    assert (found.data, found.vars) == ({"amount": 10}, {"method": "POST"})
    assert (found.break_at, found.spies) == ("f.charge", ("f.check", "f.check[then].x"))
    assert found.mocks["f.charge"].cases[0].when(Message())
    assert found.mocks["f.charge"].default.answer.body is None


def test_input_with_a_content_type_is_raw_content(read):
    found = read("input: {data: !!binary /9g=, contentType: image/jpeg}")

    assert (found.data, found.raw) == ({"contentType": "image/jpeg", "rawData": b"\xff\xd8"}, True)
    with pytest.raises(ConfigError, match="with `contentType`"):
        read("input: {data: {}, contentType: image/jpeg}")


def test_json_is_read_too_however_it_is_written(read):
    text = "häß 🐙 \\ud83d \t\u2028"
    written = {"input": {"data": text}, "mocks": {"f.x": {"body": [1.5, None, True]}}}
    for form in ({"indent": 2}, {"indent": "\t"}, {"ensure_ascii": False}):
        found = read(json.dumps(written, **form), "debug.json")

        assert found.data == text
        assert found.mocks["f.x"].default.answer.body == [1.5, None, True]


@pytest.mark.parametrize("text", ["", "{}", "input:", "spies: []\nmocks: {}"])
def test_nothing_is_allowed_to_be_missing(read, text):
    assert read(text) == config_file.DebugConfig()


def test_data_of_null_is_not_the_same_as_none(read):
    assert read("input: {data: null}").has_data
    assert not read("input: {}").has_data


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("breakat: f.x", "debug.yaml:1:1: OCTO-C111: a debug configuration has no key `breakat`"),
        ("input: {body: 1}", "debug.yaml:1:9: OCTO-C111: `input` has no key `body`"),
        ("spies: f.x", "debug.yaml:1:8: OCTO-C110: `spies` must be a list"),
        ("spies:\n  - 3", "debug.yaml:2:5: OCTO-C110: expected the address of a block, found a whole number"),
        ("mocks: [f.x]", "debug.yaml:1:8: OCTO-C110: `mocks` must be a mapping"),
        ("[]", "debug.yaml:1:1: OCTO-C110: a debug configuration must be a mapping"),
        (
            "mocks:\n  f.x:\n    default:\n      bdoy: 1",
            'debug.yaml:4:7: OCTO-B102: mock "f.x": the default has no key',
        ),
        ("spies: [", "debug.yaml"),
    ],
)
def test_a_mistake_is_shown_where_it_stands(read, text, said, tmp_path):
    with pytest.raises(ConfigError) as caught:
        read(text)

    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.yaml: OCTO-C101: the file cannot be read"):
        config_file.read(tmp_path / "nowhere.yaml")
