"""The outline of a configuration has everything that has an address, whether it is right or wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from octo.builtin import plugins as builtin
from octo.config import codes
from octo.config.load import load
from octo.config.outline import Outline, outline
from octo.config.walk import blocks_of
from octo.core.errors import ConfigError
from octo.core.sockets import Steps, sockets

ROOT = Path(__file__).parents[2]
BUILTIN = builtin()
BROKEN = sorted((ROOT / "tests" / "config" / "broken").glob("*.yaml"))
FLOWS = [*sorted((ROOT / "samples").glob("*.yaml")), ROOT / "tests" / "suites" / "shop.yaml"]
FLOWS = [each for each in FLOWS if not each.stem.endswith("_test")]


@pytest.fixture
def outlined(tmp_path, plugins):
    def read(text: str) -> Outline:
        path = tmp_path / "flow.yaml"
        path.write_text(text)
        return outline(path, plugins, {})

    return read


def shown(found: Outline) -> list[str]:
    return [f"{each.kind} {each.address} {each.type} {each.name}".replace("  ", " ") for each in found.entries]


FILE = """\
connectors:
- {name: web, type: http}
flows:
- name: main
  source: {type: http, settings: {path: /a}}
  process:
  - type: log
  - type: log
    name: said
  - type: log
  - type: switch
    cases:
    - {when: body.a, process: [{type: log}]}
    - {when: body.b, name: b, process: [{type: log}]}
    - {when: body.c, name: b, process: [{type: log}]}
  - {type: fork, branches: [[{type: log}], {name: two, process: []}]}
  error:
  - type: log
- source: {connector: web, type: http, settings: {path: /b}}
  process:
"""


def test_everything_with_a_place_is_in_it(outlined):
    assert shown(outlined(FILE)) == [
        "connector http web",
        "flow main main",
        "source http web",
        "block main.log log log",
        "block main.said log said",
        "block main.log#2 log log",
        "block main.switch switch switch",
        "branch main.switch[0] 0",
        "block main.switch[0].log log log",
        "branch main.switch[b] b",
        "block main.switch[b].log log log",
        "branch main.switch[2] 2",
        "block main.switch[2].log log log",
        "branch main.switch[default] default",
        "block main.fork fork fork",
        "branch main.fork[0] 0",
        "block main.fork[0].log log log",
        "branch main.fork[two] two",
        "error main[error] error",
        "block main[error].log log log",
        "flow flow-2 flow-2",
        "source http web",
    ]


def test_every_part_knows_where_it_stands_in_what(outlined):
    found = {each.address: each for each in outlined(FILE).entries}

    assert found["main.switch[0].log"].parent == "main.switch[0]"
    assert found["main.switch[0]"].parent == "main.switch"
    assert found["main.switch"].parent == "main"
    assert found["main[error].log"].parent == "main[error]"


def test_a_source_says_which_variables_its_messages_have(tmp_path):
    path = tmp_path / "flow.yaml"
    path.write_text(
        "flows: [{name: f, source: {type: http, settings: {path: '/a/{id}', headers: [X-Key]}}, process: }]"
    )

    (source,) = [each for each in outline(path, BUILTIN, {}).as_json()["entries"] if each["kind"] == "source"]

    assert source["sets"] == {
        "method": "string",
        "query": "map",
        "queryAll": "map",
        "headersAll": "map",
        "id": "string",
        "X-Key": "string",
    }


def test_ranges_reach_from_the_first_character_to_behind_the_last(outlined):
    found = {each.address: each.place for each in outlined(FILE).entries}

    places = {address: (str(place.at), str(place.end)) for address, place in found.items() if place and address}
    assert [each.rpartition("flow.yaml:")[2] for each in places["main"]] == ["4:3", "18:14"]
    assert [each.rpartition("flow.yaml:")[2] for each in places["main.said"]] == ["8:5", "9:15"]
    assert [each.rpartition("flow.yaml:")[2] for each in places["main[error]"]] == ["18:3", "18:14"]
    assert found["main.switch[default]"] is None


def test_wrong_settings_hide_no_branches(outlined):
    """The branches have the same names as when the settings are right."""
    found = outlined(FILE.replace("- type: switch\n", "- type: switch\n    nope: 1\n").replace("fork,", "fork, no: 1,"))

    right = [each.address for each in outlined(FILE).entries if each.place]
    assert [each.address for each in found.entries] == right
    assert len(found.problems) == 2


def test_a_block_of_an_unknown_type_has_its_address(outlined):
    found = outlined("flows: [{name: f, process: [{type: lug}, {type: lug}, {ref: nobody, name: x}, {name: y}, 1]}]")

    assert shown(found)[1:] == ["block f.lug lug lug", "block f.lug#2 lug lug", "block f.x nobody x", "block f.y y"]
    assert len(found.problems) == 5


UNFINISHED = """\
flows:
- name: one
  process:
  - type: log
  - type: if
    condition: body.a
    then:
    - type: log
    - type: flow-ref
      flow: two
    - name: next
      type: "lo
- name: two
"""


def test_a_file_is_read_up_to_where_it_cannot_be(outlined):
    """References to the part that cannot be read are not reported, because it may define them."""
    found = outlined(UNFINISHED)

    assert shown(found) == [
        "flow one one",
        "block one.log log log",
        "block one.if if if",
        "branch one.if[then] then",
        "block one.if[then].log log log",
        "block one.if[then].flow-ref flow-ref flow-ref",
        "block one.if[then].next next",
        "branch one.if[else] else",
    ]
    assert [each.code for each in found.problems] == [codes.SYNTAX]


def test_what_is_no_text_has_no_outline(tmp_path, plugins):
    path = tmp_path / "flow.yaml"
    path.write_bytes(b"\xff\xfe\x00")

    found = outline(path, plugins, {})

    assert (list(found.entries), len(found.problems)) == ([], 1)


def test_what_is_not_there_is_said(tmp_path, plugins):
    found = outline(tmp_path / "nope.yaml", plugins, {})

    assert (list(found.entries), len(found.problems)) == ([], 1)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_problems_are_those_that_run_would_refuse(path: Path):
    """Every broken file has an outline, which reports the same problems."""
    with pytest.raises(ConfigError) as refused:
        load(path, BUILTIN, {})

    assert outline(path, BUILTIN, {}).problems == refused.value.problems


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_addresses_are_those_of_the_documents(path: Path):
    """No address is missing, and only the branches that are not written are added."""
    config = load(path, BUILTIN, {})
    wanted = [*config.flows]
    for flow in config.flows.values():
        wanted += [f"{flow.name}[error]"] if flow.error is not None else []
        for block in blocks_of(flow):
            wanted += [block.address]
            wanted += [each.address for _, each in sockets(block.settings) if isinstance(each, Steps)]

    found = outline(path, BUILTIN, {})

    addresses = [each.address for each in found.entries if each.address and each.place]
    assert sorted(addresses) == sorted(wanted)
    assert found.warnings == list(config.warnings)
