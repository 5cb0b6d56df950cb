"""What `octo check` says reaches the platform, and nothing of the platform reaches it."""

from __future__ import annotations

import asyncio
import os

import pytest

from octo_platform.enclosure import support
from octo_platform.enclosure.enclosure import program
from octo_platform.flows import inspector
from octo_platform.flows.inspector import Inspector
from octo_platform.problem import Problem
from tests.platform.asking import FLOW, SECRET


async def test_facts_of_right_and_wrong_files():
    found = await Inspector().facts({"a.yaml": FLOW.encode()})
    assert found["ok"]
    assert [each["path"] for each in found["routes"]] == ["/hello"]
    broken = await Inspector().facts({"a.yaml": b"flows: [{name: a, process: [{type: set-paylod}]}]"})
    assert not broken["ok"]
    assert "set-payload" in str(broken["problems"])
    assert "/tmp" not in str(broken["problems"])  # it says which file, not where we put it


async def test_secrets_that_are_not_there_are_no_problem():
    found = await Inspector().facts({"a.yaml": SECRET.encode()})
    assert found["ok"], found["problems"]
    assert [each["name"] for each in found["secrets"]] == ["bank"]


async def test_variables_of_the_platform_are_not_seen(monkeypatch):
    monkeypatch.setenv("AUTH_SECRET", "never")
    monkeypatch.setenv("HTTP_PORT", "9")
    assert not {"AUTH_SECRET", "HTTP_PORT"} & inspector.environment().keys()
    assert "PATH" in inspector.environment(os.environ)


async def test_a_check_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(inspector, "PATIENCE", 0.0)
    with pytest.raises(Problem) as caught:
        await Inspector().facts({"a.yaml": FLOW.encode()})
    assert caught.value.code == "busy"


PROBE = """
import json, os, socket, sys


def tried(what):
    try:
        return what()
    except OSError as error:
        return error.errno


if __name__ == "__main__":
    print(json.dumps({
        "own": open("a.yaml").read(),
        "keys": tried(lambda: open(sys.argv[1] + "/kept/keys").read()),
        "written": tried(lambda: open("b.yaml", "w").write("x")),
        "process": tried(lambda: open(f"/proc/{os.getppid()}/environ").read()),
        "network": tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
    }))
"""


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"- [", b"a: &a [*a, *a]\n" * 50, b"flows: 1"])
async def test_whatever_the_bytes_are_it_says_what_is_wrong(content):
    assert not (await Inspector().facts({"a.yaml": content}))["ok"]


@pytest.mark.parametrize("path", [".", f".{os.pathsep}", None])
async def test_nothing_of_the_files_is_run(tmp_path, monkeypatch, path):
    if path is not None:
        monkeypatch.setenv("PYTHONPATH", path)
    ran = tmp_path / "ran"
    code = f"open({str(ran)!r}, 'w')\ndef f(body): return body\n".encode()
    flow = b"flows: [{name: a, process: [{type: python, settings: {call: 'mine:f'}}]}]"
    names = ("mine", "sitecustomize", "usercustomize", "octo", "orjson", "ruamel/__init__", "json")
    found = await Inspector().facts(
        {"a.yaml": flow, ".env": b"PYTHONSTARTUP=mine.py\n"} | {f"{each}.py": code for each in names}
    )
    assert found["ok"], found["problems"]
    assert not ran.exists()


@pytest.mark.skipif(support.level() != "full", reason="NOT TESTED, for want of Linux 6.12: how checks are closed in")
async def test_it_reads_the_files_and_reaches_nothing_else(tmp_path, monkeypatch):
    """Whatever the files would make of the process that reads them."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "keys").write_text("never")
    (tmp_path / "probe.py").write_text(PROBE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(inspector, "program", lambda _, given, *rest: program("probe", [str(tmp_path), *given], *rest))

    assert await Inspector([str(tmp_path / "kept")]).facts({"a.yaml": b"text"}) == {
        "own": "text",
        "keys": 13,
        "written": 13,
        "process": 13,
        "network": 13,
    }


async def test_what_says_too_much_is_cut_off(monkeypatch):
    monkeypatch.setattr(inspector, "_LARGEST", 1000)
    with pytest.raises(Problem) as caught:
        await Inspector().facts({"a.yaml": FLOW.encode() * 3})
    assert caught.value.code == "too-large"


async def test_not_everybody_may_wait(monkeypatch):
    monkeypatch.setattr(inspector, "MOST_WAITING", 1)
    asked = Inspector()
    found = await asyncio.gather(*(asked.facts({"a.yaml": FLOW.encode()}) for _ in range(2)), return_exceptions=True)
    assert [getattr(each, "code", "fine") for each in found] == ["fine", "busy"]
