"""Coverage as JSON, for other programs."""

from __future__ import annotations

from typing import Any

from octo.suite.coverage.result import KINDS, Flow, Item, Result, Score


def json(result: Result) -> str:
    """Return all files, flows and items with their counts. The items of a flow are one flat list, outer ones first."""
    from json import dumps

    files = [{"file": file.name, "flows": [_flow(flow) for flow in file.flows]} for file in result.files]
    return dumps({**_scores(result), "files": files}, indent=2, ensure_ascii=False)


def _flow(flow: Flow) -> dict[str, Any]:
    about = {"flow": flow.name, "line": flow.at.line, "column": flow.at.column, "calls": flow.calls}
    return {**about, **_scores(flow), "items": [_item(item) for item in flow.walk()]}


def _scores(scored: Flow | Result) -> dict[str, Any]:
    return {**_score(scored.score()), "kinds": {kind: _score(scored.score(kind)) for kind in KINDS}}


def _score(score: Score) -> dict[str, Any]:
    percent = int(score.percent * 100) / 100  # rounded down: 100 means complete
    return {"percent": percent, "covered": score.covered, "total": score.total}


def _item(item: Item) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "address": item.address,
        "text": item.text,
        **({"type": item.type, "failed": item.failed} if item.kind == "block" else {}),
        "file": item.at.file,
        "line": item.at.line,
        "column": item.at.column,
        "hits": item.hits,
        "outcomes": dict(item.outcomes),
        "missed": list(item.missed),
    }
