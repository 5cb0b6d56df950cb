"""The one `octo run` of an editor: a real process, with what the pages have not saved."""

from __future__ import annotations

import asyncio
import os
import signal
import urllib.request

import pytest

FLOW = """\
connectors: [{{name: web, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}]
flows:
  - name: hello
    source: {{connector: web, type: http, settings: {{path: /hello}}}}
    process: [{{type: set-payload, value: '"{answer}"'}}]
"""


@pytest.fixture
def text(port):
    return lambda answer="hi": FLOW.format(port=port, answer=answer)


@pytest.fixture
def run(page, text):
    """Run what is given as the text of flow.yaml, and wait until it is in one of these states."""

    async def start(content: str | None = None, *, until: tuple[str, ...] = ("running",), **more):
        given = {"path": "flow.yaml", "files": {"flow.yaml": content or text()}, **more}
        assert (await page.ask("POST", "/api/run", given)).status == 200
        return await waited(page, until)

    return start


async def waited(page, until=("running",), condition=lambda _: True):
    while (told := (await page.ask("GET", "/api/run")).json)["state"] not in until or not condition(told):
        await asyncio.sleep(0.02)
    return told


def called(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as reply:
        return reply.read().decode()


async def test_unsaved_texts_run(page, run, text, project, port):
    """At the port that they name; the saved file stays as it is, and what is typed meanwhile is taken."""
    before = (project / "flow.yaml").read_text()
    told = await run()

    [flow] = told["flows"]
    assert (flow["url"], flow["type"], flow["methods"]) == (f"http://127.0.0.1:{port}/hello", "http", [])
    assert await asyncio.to_thread(called, flow["url"]) == '"hi"'
    await page.ask("PUT", "/api/run/files", {"files": {"flow.yaml": text("there")}})
    await waited(page, condition=lambda told: told["generation"] == 2)
    assert await asyncio.to_thread(called, flow["url"]) == '"there"'
    assert (project / "flow.yaml").read_text() == before

    stopped = await page.ask("DELETE", "/api/run")
    assert (stopped.json["state"], stopped.json["flows"]) == ("stopped", [])
    with pytest.raises(OSError):
        await asyncio.to_thread(called, flow["url"])


async def test_a_wrong_edit_is_told_and_changes_nothing(page, run, text):
    """Its problems have the places that the pages know; the log goes to all pages."""
    told = await run()
    async with page.events() as event:
        assert (await event())[0] == "resync"
        await page.ask("PUT", "/api/run/files", {"files": {"flow.yaml": text().replace("set-payload", "set-paylod")}})
        told = await waited(page, condition=lambda told: told["problems"])
        [problem] = told["problems"]
        assert (told["state"], told["generation"]) == ("running", 1)
        assert (problem["file"], problem["line"]) == ("flow.yaml", 5)
        kinds = set()
        while kinds < {"log", "run"}:
            kinds.add((await event())[0])
    assert await asyncio.to_thread(called, told["flows"][0]["url"]) == '"hi"'


async def test_a_start_with_problems_waits_for_them_to_be_mended(page, run, text):
    await run(text().replace("set-payload", "set-paylod"), until=("starting",))
    await waited(page, ("starting",), lambda told: told["problems"])

    await page.ask("PUT", "/api/run/files", {"files": {"flow.yaml": text()}})

    assert (await waited(page))["problems"] == []


async def test_a_file_that_is_saved_elsewhere_is_taken(page, run, text, project):
    (project / "flow.yaml").write_text(text())
    await page.ask("POST", "/api/run", {"path": "flow.yaml"})
    await waited(page)

    (project / "flow.yaml").write_text(text("saved"))

    told = await waited(page, condition=lambda told: told["generation"] == 2)
    assert await asyncio.to_thread(called, told["flows"][0]["url"]) == '"saved"'


async def test_a_crash_is_told_with_its_reason(page, run, text, project):
    """What the process said last, and how it ended."""
    (project / "bad.py").write_text("import os, sys\n\ndef end(body):\n    print('goodbye')\n    os._exit(7)\n")
    content = text().replace("{type: set-payload, value: '\"hi\"'}", "{type: python, call: 'bad:end'}")
    told = await run(content)
    with pytest.raises(OSError):
        await asyncio.to_thread(called, told["flows"][0]["url"])

    told = await waited(page, ("failed",))

    assert told["exit"] == 7
    assert "exit code 7" in told["reason"]
    assert "goodbye" in [line["fields"].get("text") for line in told["log"]]


async def test_a_kill_is_told(server, page, run):
    await run()
    os.kill(server.editor.runner._process.pid, signal.SIGKILL)

    assert "signal 9" in (await waited(page, ("failed",)))["reason"]


async def test_variables_for_a_run(page, run, text, project):
    """Those of the page win over the `.env` of the project."""
    (project / ".env").write_text("WORD=file\nOTHER=file\n")
    content = "env: [{name: WORD}, {name: OTHER}]\n" + text().replace("'\"hi\"'", "env.WORD + env.OTHER")

    told = await run(content, env={"WORD": "page"})

    assert await asyncio.to_thread(called, told["flows"][0]["url"]) == '"pagefile"'


async def test_another_run_takes_the_place_of_the_first(server, page, run):
    await run()
    first = server.editor.runner._process
    await run()

    assert first.poll() is not None
    assert server.editor.runner._process.poll() is None


async def test_nothing_is_left_of_it(built, project, text):
    """The end of the editor ends what runs, and its copies are gone."""
    from .conftest import served

    async with served(project, built) as server:
        page = await server.page()
        await page.ask("POST", "/api/run", {"path": "flow.yaml", "files": {"flow.yaml": text()}})
        await waited(page)
        process, base = server.editor.runner._process, server.editor.runner._shadow.base

    assert process.poll() is not None
    assert not base.exists()


async def test_without_a_run(page):
    assert (await page.ask("GET", "/api/run")).json["state"] == "stopped"
    assert (await page.ask("DELETE", "/api/run")).json["state"] == "stopped"
    assert (await page.ask("PUT", "/api/run/files", {"files": {}})).json["state"] == "stopped"
    assert (await page.ask("POST", "/api/debug/1", {"do": "continue"})).status == 409
