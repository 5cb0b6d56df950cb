"""The variables of a project, and its resources."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from octo.cli.authoring.refusal import Refused
from octo.cli.editing.variables import edited
from octo.config.dotenv import parse_dotenv, places
from octo.config.report import Report

FLOW = """\
env: [{name: RATE, default: "2"}, {name: API_TOKEN, required: true}, {name: HOME}]
resources: {templates: [{resource: page.html, as: page}]}
flows: [{name: a, process: [{type: log}]}]
"""


def read(text: str) -> dict[str, str]:
    return parse_dotenv(text, ".env", Report())


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("", {"A": "1"}, "A=1\n"),
        ("# mine\nA=1\n\nexport B = 2 \nC=3", {"B": "4", "D": "x y"}, "# mine\nA=1\n\nB=4\nC=3\nD=x y\n"),
        ("A=1\r\nB=2\r\n", {"A": "9", "C": "3"}, "A=9\r\nB=2\r\nC=3\r\n"),
        ("A=1\nB=2\n", {"A": None, "Z": None}, "B=2\n"),
        ('K="one\ntwo"\nB=2\n', {"K": "three"}, "K=three\nB=2\n"),
        ("A=1\n", {"A": "one\ntwo"}, 'A="one\ntwo"\n'),
        ("A=1\n", {"A": ' "padded" '}, "A=' \"padded\" '\n"),
        ("A=1\n", {"A": ""}, "A=\n"),
    ],
)
def test_lines_that_are_not_meant_stay(text, values, expected):
    """Comments, order, line ends: only the lines of the variables change."""
    assert edited(text, values) == expected


@given(
    st.dictionaries(st.from_regex(r"[A-Z_]{1,4}", fullmatch=True), st.text(max_size=20), max_size=4),
    st.dictionaries(st.from_regex(r"[A-Z_]{1,4}", fullmatch=True), st.text(max_size=20), max_size=4),
)
def test_what_is_written_is_read(before, values):
    """Whatever the values are, unless they are refused; the others stay what they are."""
    try:
        text = edited("# comment\n", before)
        after = edited(text, values)
    except Refused:
        return

    assert read(after) == {**before, **values}
    assert after.startswith("# comment\n")


@pytest.mark.parametrize("values", [{"a b": "1"}, {"": "1"}, {"A": "'\"\n"}, {"A": "a\rb"}, {"A=": "1"}])
def test_what_a_file_cannot_hold(values):
    with pytest.raises(Refused):
        edited("", values)


def test_where_variables_are():
    text = '# A=0\nA=1\nexport B="x\ny"\nA=2\nnothing\n'

    assert places(text) == {"A": (4, 5), "B": (2, 4)}


async def test_values_are_hidden_unless_they_are_asked_for(page, project, monkeypatch):
    """What is declared, where each value comes from, and what else the file has."""
    monkeypatch.setenv("HOME", "/home/ada")
    (project / "flow.yaml").write_text(FLOW)
    (project / ".env").write_text("API_TOKEN=hunter2\nOTHER=1\n")

    hidden = await page.ask("GET", "/api/env?path=flow.yaml")
    shown = await page.ask("GET", "/api/env?path=flow.yaml&reveal=1")

    assert "hunter2" not in hidden.data.decode()
    found = {each["name"]: each for each in shown.json["variables"]}
    assert {name: (each["source"], each["isDeclared"], each["value"]) for name, each in found.items()} == {
        "RATE": ("default", True, None),
        "API_TOKEN": ("file", True, "hunter2"),
        "HOME": ("process", True, None),
        "OTHER": ("file", False, "1"),
    }
    assert (found["API_TOKEN"]["isSecret"], found["API_TOKEN"]["isRequired"]) == (True, True)


async def test_variables_are_set_in_the_file(page, project):
    """Only its owner may read a new one, and two who set one see each other."""
    (project / "flow.yaml").write_text(FLOW)

    made = await page.ask("PUT", "/api/env", {"values": {"RATE": "3"}}, if_none_match="*")
    stale = await page.ask("PUT", "/api/env", {"values": {"RATE": "4"}}, if_none_match="*")
    etag = (await page.ask("GET", "/api/env")).json["etag"]
    more = await page.ask("PUT", "/api/env", {"values": {"API_TOKEN": "x"}}, if_match=f'"{etag}"')

    assert (made.status, stale.status, more.status) == (200, 412, 200)
    assert etag == made.json["etag"]
    assert (project / ".env").read_text() == "RATE=3\nAPI_TOKEN=x\n"
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
    assert "RATE" not in (project / "flow.yaml").read_text().partition("resources")[2]


async def test_a_link_is_not_followed(page, project, tmp_path):
    (tmp_path / "outside.env").write_text("A=b\n")
    (project / ".env").symlink_to(tmp_path / "outside.env")

    assert (await page.ask("GET", "/api/env?reveal=1")).status == 403
    assert (await page.ask("PUT", "/api/env", {"values": {"A": "c"}}, if_none_match="*")).status == 403
    assert (tmp_path / "outside.env").read_text() == "A=b\n"


async def test_resources(page, project):
    (project / "flow.yaml").write_text(FLOW)
    (project / "page.html").write_text("<p>")

    found = (await page.ask("GET", "/api/resources?path=flow.yaml")).json

    assert found == {"resources": [{"path": "page.html", "isThere": True}]}
