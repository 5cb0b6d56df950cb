"""What is wrong with the project as the pages have it."""

from __future__ import annotations

import asyncio

from octo.cli.editing import codes

from .conftest import FLOW

WRONG = FLOW.replace("set-payload", "set-paylod")
CASES = """\
flow: hello
cases:
  - {name: greets, input: {data: {name: Ada}}, expect: {body: "hello, Ada"}}
"""


async def test_unsaved_texts_are_checked(page, project):
    """As if they were saved: places, addresses, and the edit that mends what was meant. The files stay as they are."""
    good = await page.ask("POST", "/api/check", {"path": "flow.yaml"})
    found = await page.ask("POST", "/api/check", {"path": "flow.yaml", "files": {"flow.yaml": WRONG}})

    assert good.json["ok"] is True
    assert good.json["configuration"] == "."
    assert [each["address"] for each in good.json["entries"]] == ["hello", "hello.greet"]
    assert found.json["ok"] is False
    [problem] = found.json["problems"]
    assert (problem["file"], problem["line"], problem["column"]) == ("flow.yaml", 5, 16)
    assert problem["fix"] == {
        "find": problem["fix"]["find"],
        "replace": problem["fix"]["find"].replace("paylod", "payload"),
    }
    assert (project / "flow.yaml").read_text() == FLOW


async def test_broken_files_have_an_outline(page):
    """What can be read is shown while somebody types."""
    found = await page.ask(
        "POST", "/api/check", {"path": "flow.yaml", "files": {"flow.yaml": FLOW + "      - {type: lo"}}
    )

    assert found.json["ok"] is False
    assert "hello.greet" in [each["address"] for each in found.json["entries"]]


async def test_tests_are_checked_when_asked(page, project):
    files = {"flow_test.yaml": CASES.replace("hello\n", "helo\n")}

    without = await page.ask("POST", "/api/check", {"path": "flow.yaml", "files": files})
    found = await page.ask("POST", "/api/check", {"path": "flow.yaml", "files": files, "tests": True})
    good = await page.ask(
        "POST", "/api/check", {"path": "flow.yaml", "files": {"flow_test.yaml": CASES}, "tests": True}
    )

    assert without.json["ok"] is True
    assert [each["file"] for each in found.json["problems"]] == ["flow_test.yaml"]
    assert good.json["ok"] is True


async def test_files_that_only_lie_together(page, project):
    """Each of them is a configuration, as with `octo check *.yaml`."""
    (project / "other.yaml").write_text(FLOW)

    found = await page.ask("POST", "/api/check", {"path": "other.yaml"})

    assert found.json["configuration"] == "other.yaml"
    assert found.json["ok"] is True


async def test_a_new_file_counts(page):
    """A flow in a file that is not saved yet is known to the others."""
    calling = FLOW + "      - {type: flow-ref, flow: later}\n"
    later = "flows:\n  - {name: later, process: [{type: log}]}\n"

    found = await page.ask(
        "POST", "/api/check", {"path": "flow.yaml", "files": {"flow.yaml": calling, "b.yaml": later}}
    )

    assert found.json["ok"] is True, found.json


async def test_a_newer_question_ends_the_older_one(page, project):
    """Of the same page; another page gets its answer."""
    first = {"path": "flow.yaml", "page": "a", "files": {"flow.yaml": FLOW}}

    *older, newest, other = await asyncio.gather(
        *(page.ask("POST", "/api/check", first) for _ in range(4)),
        page.ask("POST", "/api/check", {**first, "page": "b"}),
    )

    assert sorted({each.status for each in (*older, newest)}) in ([200], [200, 409])
    assert [each.status for each in (*older, newest)].count(200) >= 1
    assert {each.json["code"] for each in older if each.status == 409} <= {codes.SUPERSEDED}
    assert other.status == 200


async def test_the_variables_of_the_project_are_known(page, project):
    """Those of its `.env` too; a secret is never told."""
    (project / ".env").write_text("PASSWORD=hunter2-and-more\nPORT=http\n")
    text = (
        "env: [{name: PASSWORD, required: true}, {name: PORT}]\n"
        "connectors: [{name: web, type: http, settings: {port: '${PORT}', basePath: '${PASSWORD}'}}]\n"
    )

    found = await page.ask("POST", "/api/check", {"path": "flow.yaml", "files": {"flow.yaml": text}})

    assert found.json["problems"]
    assert "hunter2" not in found.data.decode()


async def test_a_module_that_ends_the_process(page, project):
    """The server goes on, and says so."""
    (project / "bad.py").write_text("import os\nos._exit(3)\n")
    text = FLOW + "      - {type: python, call: 'bad:run'}\n"

    found = await page.ask("POST", "/api/check", {"path": "flow.yaml", "files": {"flow.yaml": text}})
    good = await page.ask("POST", "/api/check", {"path": "flow.yaml"})

    assert found.status == 502
    assert good.json["ok"] is True


ORDERS = """\
connectors: [{name: web, type: http, settings: {port: 8080}}]
env: [{name: RATE, default: "2"}]
flows:
  - name: orders
    source: {connector: web, type: http, settings: {path: '/orders/{id}', methods: [POST]}}
    input: {type: object, properties: {item: {type: string}, amount: {type: integer}}}
    process:
      - {type: set-variable, name: total, settings: {name: total, value: body.amount * 2}}
      - type: if
        name: large
        condition: vars.total > 10
        then:
          process:
            - {type: set-payload, name: big, value: '{"big": body.item}'}
      - {type: set-payload, name: done, value: 'body.'}
      - {type: set-payload, name: last, value: 'body.x'}
"""


async def fields(page, address: str, expression: str, **more) -> dict[str, str]:
    given = {"path": "flow.yaml", "files": {"flow.yaml": ORDERS}, "address": address, "expression": expression}
    found = await page.ask("POST", "/api/complete", {**given, "offset": len(expression), **more})
    assert found.status == 200, found
    return {each["name"]: each["type"] for each in found.json["items"] if each["kind"] == "field"}


async def test_completion_knows_what_comes_to_a_block(page):
    """What its input declares, what the source brings, what blocks before it set; also while the text is broken."""
    assert await fields(page, "orders.total", "body.") == {"item": "string", "amount": "int"}
    assert {"method", "id", "query"} <= (await fields(page, "orders.total", "vars.")).keys()
    assert "total" not in await fields(page, "orders.total", "vars.")
    assert (await fields(page, "orders.large[then].big", "vars."))["total"] == "int"
    assert (await fields(page, "orders.done", "vars."))["total"] == "int"
    assert "item" in await fields(page, "orders.large[then].big", "body.")
    assert await fields(page, "orders.done", "env.") == {"RATE": "string"}
    assert await fields(page, "nowhere", "body.") == {}
    sample = {"body": {"seen": 1}, "vars": {}}
    assert (await fields(page, "orders.last", "body.", message=sample))["seen"] == "int"


async def test_values_for_a_preview(page):
    async def value(expression: str, **more):
        given = {"path": "flow.yaml", "files": {"flow.yaml": ORDERS}, "expression": expression}
        found = await page.ask("POST", "/api/evaluate", {**given, "message": {"body": {"n": 2}, "vars": {}}, **more})
        return found.json

    assert await value("body.n * 2") == {"ok": True, "value": 4, "kind": "int"}
    assert (await value("env.RATE"))["value"] == "2"
    assert (await value("outcome + '!'", names=["outcome"], message={"vars": {"outcome": "done"}}))["value"] == "done!"
    assert (await value("[timestamp('2026-01-01T00:00:00Z')]"))["value"] == ["2026-01-01T00:00:00Z"]
    failed = await value("body.x > 1 || body.n == 3", why=True)
    assert failed["ok"] is False
    assert failed["error"]["code"].startswith("OCTO-E")
    assert [each["state"] for each in failed["why"]["children"]] == ["error", "value"]
    assert (await value("1 +"))["error"]["column"] > 1
    large = await value("['x', 'y'].map(i, [1, 2].map(j, 'z'))", why=True)
    assert large["ok"] is True


async def test_large_values_are_cut(page):
    message = {"body": ["x" * 1000] * 1000, "vars": {}}
    found = await page.ask("POST", "/api/evaluate", {"expression": "body", "message": message})

    assert found.json["ok"] is True
    assert len(found.data) < 300_000
