"""The same file gives the same answer as in the Go implementation 0.1.8, or a page says where not."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from octo.testing.harness import running

ROOT = Path(__file__).parents[2]
AREAS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "same_answer.yaml").read_text())
CASES = [
    pytest.param(case, id=f"{re.sub(r'[^a-z]+', '-', area['about'].lower()).strip('-')}-{number}")
    for area in AREAS
    for number, case in enumerate(area["cases"], 1)
]
DIFFERENCES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "differences.yaml").read_text())
OUTSIDE = """\
connectors:
  - {name: api, type: http-client, settings: {baseURL: "http://127.0.0.1:1", retry: {maxAttempts: 1}}}
  - {name: db, type: database, settings: {driver: sqlite, dsn: ":memory:"}}
"""
CALL = ["invoke", "--config", "flow.yaml", "--flow", "f"]


def file_of(case: dict[str, Any]) -> str:
    """The flow file that a case is about: written out, or around one block or expression."""
    if "file" in case:
        return str(case["file"])
    block = case.get("block") or f"set-payload, settings: {{value: '{case['value']}'}}"
    more = f"  - {case['connectors']}\n" if "connectors" in case else ""
    return f"{OUTSIDE}{more}flows: [{{name: f, process: [{{type: {block}}}]}}]\n"


def said(case: dict[str, Any], command, folder: Path) -> str:
    """What `octo` prints; for an answer that is an exit code, that and all it said."""
    for name, text in {"flow.yaml": file_of(case), **case.get("files", {})}.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    data = ["--data", case["data"]] if "data" in case else []
    words = ["[" * 2000 + "]" * 2000 if word == "DEEP" else word for word in case.get("run") or [*CALL, *data]]
    code, out, err = command(*words, input=case.get("stdin"))
    expected = str(case["here"] if "here" in case else case["there"])
    if not expected.startswith("exit "):
        return out.strip() if code == 0 else f"exit {code}: {err}"
    wanted = expected.partition(": ")[2]
    return f"exit {code}: {wanted if wanted in out + err else out + err}"


async def answers(case: dict[str, Any], port: int) -> list[str]:
    """Status, content type and body of each answer of a server."""

    def answer(request: str) -> str:
        method, path = request.split()
        asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
        with urllib.request.urlopen(asked) as got:
            return f"{got.status} {got.headers['Content-Type']} {got.read().decode()}"

    async with running(case["file"].replace("PORT", str(port))):
        return [await asyncio.to_thread(answer, each) for each in case["ask"]]


@pytest.mark.parametrize("case", CASES)
def test_same_answer(case, command, tmp_path, port):
    if "test" in case:
        file, name = case["test"].split("::")
        assert f"def {name}(" in (ROOT / file).read_text()
    elif "ask" in case:
        assert asyncio.run(answers(case, port)) == case.get("here", case["there"])
    else:
        assert said(case, command, tmp_path) == case.get("here", case["there"])


@pytest.mark.parametrize("case", DIFFERENCES, ids=lambda case: case["about"].replace(" ", "-"))
def test_a_difference_is_as_the_page_says(case, command, tmp_path):
    """docs/differences.md has a row for it, and it is still there."""
    rows = [
        line for line in (ROOT / "docs" / "differences.md").read_text().splitlines() if line.startswith(case["row"])
    ]

    assert len(rows) == 1
    assert said(case, command, tmp_path) == case["here"]


def test_the_page_is_made_of_the_cases():
    """docs/same-answer.md is what scripts/same_answer.py prints."""
    spec = importlib.util.spec_from_file_location("same_answer", ROOT / "scripts" / "same_answer.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert (ROOT / "docs" / "same-answer.md").read_text() == module.page()
