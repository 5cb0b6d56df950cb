"""Coverage as one self-contained HTML page: no scripts, no fonts, no requests."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from octo.suite.coverage.drawing import drawing, times
from octo.suite.coverage.markup import Html, element, joined
from octo.suite.coverage.result import KINDS, File, Flow, Result, Score, rounded
from octo.suite.coverage.source import source
from octo.suite.coverage.status import SIGNS, status_of_score
from octo.suite.coverage.style import STYLE

NAMES = {"block": "blocks", "branch": "branches", "error": "error paths", "decision": "decisions"}


def html(result: Result, folder: Path) -> Path:
    """Write the report to the folder, which is made if needed; return the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "index.html"
    page.write_text(document(result), encoding="utf-8")
    return page


def document(result: Result) -> str:
    """Return the page."""
    flows = [(file, flow) for file in result.files for flow in file.flows]
    body = element(
        "main",
        "",
        _summary(result),
        _index(result),
        *(_section(number, file, flow) for number, (file, flow) in enumerate(flows, 1)),
    )
    return f"<!doctype html>\n{element('html', '', _head(), element('body', '', body), lang='en')}\n"


def _head() -> Html:
    # Whatever a name in a flow contains: only this style may apply, and nothing may be fetched.
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return joined(
        Html('<head><meta charset="utf-8">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'),
        Html(f"<title>Coverage of flows</title><style>{STYLE}</style></head>"),
    )


def _summary(result: Result) -> Html:
    score = result.score()
    tiles = [_tile(NAMES[kind], result.score(kind)) for kind in KINDS]
    total = element("p", f"total {status_of_score(score)}", rounded(score.percent))
    return element("header", "", element("h1", "", "Coverage of flows"), total, element("div", "tiles", *tiles))


def _tile(name: str, score: Score) -> Html:
    share = f"{score.covered:,} of {score.total:,}" if score.total else "none"
    return element("div", "tile", element("b", "", share), " ", name, _bar(score))


def _bar(score: Score) -> Html:
    percent = round(score.percent, 1)
    return element("progress", status_of_score(score), rounded(percent), value=percent, max=100)


# --- the index ---------------------------------------------------------------------------------------------------


def _index(result: Result) -> Html:
    return element("nav", "", *_rows(result))


def _rows(result: Result) -> Iterator[Html]:
    number = 0
    for file in result.files:
        rows = []
        for flow in file.flows:
            number += 1
            rows.append(_row(number, flow))
        yield element("h2", "file", file.name)
        yield element("ul", "index", *rows)


def _row(number: int, flow: Flow) -> Html:
    score = flow.score()
    missed = score.total - score.covered
    return element(
        "li",
        status_of_score(score),
        element("span", "sign", SIGNS[status_of_score(score)]),
        element("a", "name", flow.name, href=f"#flow-{number}"),
        _bar(score),
        element("span", "percent", rounded(score.percent)),
        element("span", "missed", f"{missed:,} missed" if missed else ""),
    )


# --- a flow ------------------------------------------------------------------------------------------------------


def _section(number: int, file: File, flow: Flow) -> Html:
    score = flow.score()
    title = element(
        "h2",
        "",
        element("span", "name", flow.name),
        element("span", f"badge {status_of_score(score)}", rounded(score.percent)),
        element("span", "calls", f"{times(flow.calls)} called" if flow.calls else "never called"),
    )
    place = element("p", "place", str(flow.at))
    columns = element("div", "columns", drawing(flow), source(file, flow))
    return element("section", "", title, place, columns, id=f"flow-{number}")
