"""Tests from a page: each case as it ends, and what they covered."""

from __future__ import annotations

from octo.cli.editing.trying import _appended

FLOW = """\
flows:
  - name: hello
    process:
      - type: if
        name: known
        condition: has(body.name)
        then: {process: [{type: set-payload, name: greet, value: '"hello, " + body.name'}]}
        else: {process: [{type: set-payload, name: ask, value: '"who?"'}]}
"""
TEST = """\
flow: hello
cases:
  - {name: greets, input: {data: {name: Ada}}, expect: {body: "hello, Ada"}}
  - {name: wrong, input: {data: {name: Ada}}, expect: {body: "bye, Ada"}}
"""
FILES = {"flow.yaml": FLOW, "flow_test.yaml": TEST}


async def test_cases_and_coverage_of_unsaved_texts(page, project):
    """What went wrong and why; each block and branch with how often it was reached."""
    found = (await page.ask("POST", "/api/tests", {"path": "flow.yaml", "files": FILES})).json

    cases = {each["name"]: each for each in found["cases"]}
    assert found["ok"] is False
    assert (cases["greets"]["status"], cases["wrong"]["status"]) == ("passed", "failed")
    [failure] = cases["wrong"]["failures"]
    assert "bye, Ada" in failure["summary"] + failure["detail"]
    assert (cases["greets"]["file"], cases["greets"]["line"]) == ("flow_test.yaml", 3)
    assert found["totals"] | {"elapsedMs": 0} == {
        "cases": 2,
        "passed": 1,
        "failed": 1,
        "errored": 0,
        "skipped": 0,
        "elapsedMs": 0,
    }
    hits = {(each["kind"], each["address"]): each["hits"] for each in found["coverage"]["items"]}
    assert hits["block", "hello.known[then].greet"] == 2
    assert hits["block", "hello.known[else].ask"] == 0
    assert not (project / "flow_test.yaml").exists()


async def test_each_case_is_told_as_it_ends(page):
    async with page.events() as event:
        assert (await event())[0] == "resync"
        asked = {"path": "flow.yaml", "files": FILES, "only": ["flow_test.yaml::greets"]}
        found = (await page.ask("POST", "/api/tests", asked)).json
        told = [await event(), await event()]

    assert [each["name"] for each in found["cases"]] == ["greets"]
    assert [(kind, each["kind"]) for kind, each, _ in told] == [("tests", "plan"), ("tests", "case")]
    assert told[0][1]["cases"] == [
        {"id": "flow_test.yaml::greets", "name": "greets", "flow": "hello", "file": "flow_test.yaml", "line": 3}
    ]


async def test_files_that_are_wrong(page):
    found = (await page.ask("POST", "/api/tests", {"path": "flow.yaml", "files": {"flow_test.yaml": "cases: 1"}})).json

    assert found["ok"] is False
    assert found["problems"]
    assert (found["cases"], found["coverage"]) == ([], None)


async def test_tests_do_not_hold_up_checks(page):
    """They run in a copy of their own."""
    import asyncio

    slow = TEST + "  - {name: slow, calls: [{after: 2s}]}\n"
    async with asyncio.TaskGroup() as group:
        files = {"flow.yaml": FLOW, "flow_test.yaml": slow}
        testing = group.create_task(page.ask("POST", "/api/tests", {"path": "flow.yaml", "files": files}))
        await asyncio.sleep(0)
        for _ in range(3):
            assert (await page.ask("POST", "/api/check", {"path": "flow.yaml"})).json["ok"] is True
        assert (await testing).status == 200


def test_a_case_at_the_end_of_a_file():
    """With the margin that the others have, before what follows the list."""
    plain = "flow: a\ncases:\n- name: x\n  skip: y\ntimeout: 3s\n"
    ragged = "flow: a\ncases:\n    - name: x"
    empty = "flow: a\ncases:\n"

    assert _appended(plain, {"name": "n"}) == "flow: a\ncases:\n- name: x\n  skip: y\n- name: n\ntimeout: 3s\n"
    assert _appended(ragged, {"name": "n"}) == "flow: a\ncases:\n    - name: x\n    - name: n\n"
    assert _appended(empty, {"name": "n"}) == "flow: a\ncases:\n  - name: n\n"
