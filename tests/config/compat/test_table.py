"""Each difference is found where a configuration would notice, and nowhere else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from octo.builtin import plugins
from octo.config.compat.table import DIFFERENCES, EXPLANATIONS, compare
from octo.config.load import load, parse

ROOT = Path(__file__).parents[3]


def found(text: str) -> dict[str, list[str]]:
    """The places of each code that is found: what is written there, to the end of the line."""
    config = parse(text, plugins(), {})
    places: dict[str, list[str]] = {}
    for each in compare(config, [("flow.yaml", text.encode())]):
        line = text.splitlines()[each.at.line - 1]
        places.setdefault(each.code, []).append(line[each.at.column - 1 :])
    return places


def flow(*blocks: str, source: str = "") -> str:
    lines = "".join(f"    - {{type: {each}}}\n" for each in blocks)
    fed = f"  workers: 1\n  source: {{{source}}}\n" if source else ""
    return f"flows:\n- name: f\n{fed}  process:\n{lines}"


API = "connectors: [{name: api, type: http-client, settings: {baseURL: 'http://a.example'}}]\n"
DB = "connectors: [{name: db, type: database, settings: {driver: sqlite, dsn: ':memory:'}}]\n"
JSON = "connectors: [{name: l, type: logger, settings: {format: json}}]\n"
HTTP = "type: http, settings: {path: /a, correlationIdHeader: X-Id}"
ENV = "env: [{name: A, default: x}]\n"


def payload(value: str) -> str:
    return f"set-payload, settings: {{value: '{value}'}}"


def status(value: str) -> str:
    return f"set-variable, settings: {{name: httpStatus, value: '{value}'}}"


def query(text: str, more: str = "") -> str:
    return f'sql, settings: {{connector: db, query: "{text}"{more}}}'


CASES = [
    ("OCTO-C201", ENV + flow(payload('"$${A}"')), ["'\"$${A}"]),
    ("OCTO-C201", ENV + flow(payload('"${A} $$ {A}"')), []),
    ("OCTO-C202", ENV + flow("if, condition: '\"${A}\" == \"\"', then: []"), ["'\"${A}\" =="]),
    ("OCTO-C202", "service: {name: '${A}'}\n" + ENV + flow(), ["'${A}'}"]),
    ("OCTO-C202", "env: [{name: A, default: '${B}'}]\n" + flow(payload('"$${A}"')), []),
    ("OCTO-C204", API + flow("rest, connector: api", payload('"got " + body')), ["+ body"]),
    ("OCTO-C205", "connectors: [{name: a, type: logger}, {name: b, type: logger, settings: {output: x}}]", ["{name"]),
    ("OCTO-C205", flow("log"), []),
    ("OCTO-C206", API.replace("}}]", ", cache: {enabled: true}}}]"), ["cache: "]),
    ("OCTO-C206", API.replace("}}]", ", cache: {ttl: 1s}}}]"), []),
    ("OCTO-C207", API + flow("rest, settings: {connector: api, headers: {hOsT: '\"x\"'}}"), ["headers: {hOsT"]),
    ("OCTO-C207", API.replace("}}]", ", headers: {Host: x}}}]"), ["headers: {Host"]),
    ("OCTO-C207", API + flow("rest, settings: {connector: api, headers: {Accept: '\"x\"'}}"), []),
    ("OCTO-C222", API + flow("rest, settings: {connector: api, path: '/u/{vars.id}'}"), ["path: '/u"]),
    ("OCTO-C222", API + flow("rest, settings: {connector: api, path: vars.path}"), ["path: vars"]),
    ("OCTO-C222", API + flow("rest, settings: {connector: api, path: '/u?a=1'}", "rest, connector: api"), []),
    ("OCTO-C223", API + flow("rest, settings: {connector: api, query: {a: '[1, vars.b]'}}"), ["'[1"]),
    ("OCTO-C223", API + flow("rest, settings: {connector: api, query: {a: vars.b, c: '\"x\"'}}"), []),
    ("OCTO-C208", flow(source=HTTP).replace("  workers: 1\n", ""), ["name: f"]),
    ("OCTO-C208", flow(source=HTTP), []),
    ("OCTO-C208", flow(), []),
    ("OCTO-C209", flow(source="type: cron, settings: {schedule: '@every 5s'}"), ["{type: cron"]),
    ("OCTO-C209", flow(source="type: cron, settings: {schedule: '@every 5s', overlap: queue}"), []),
    ("OCTO-C210", flow(source=HTTP.replace("/a", "/a/")), ["path: /a/"]),
    ("OCTO-C210", flow(source=HTTP.replace("/a", "'/a/{rest...}'")), ["path: '/a/{rest"]),
    ("OCTO-C210", flow(source=HTTP.replace("/a", "'/a/{$}'")), ["path: '/a/{$}"]),
    ("OCTO-C210", flow(source=HTTP.replace("/a", "/")), []),
    ("OCTO-C211", flow(payload("correlationID"), source="type: http, settings: {path: /a}"), ["correlationID'"]),
    ("OCTO-C211", flow(payload("correlationID"), source=HTTP), []),
    ("OCTO-C212", DB + flow(query("BEGIN"), query(" commit;")), ['query: "BEGIN', 'query: " commit']),
    ("OCTO-C212", DB + flow(query("begin; commit", ", exec: true"), query("select beginning from t")), []),
    ("OCTO-C213", DB + flow(query("select 1; select 2")), ['query: "select 1; select 2']),
    ("OCTO-C213", DB + flow(query("select 1;"), query("delete from t; select 1", ", exec: true")), []),
    ("OCTO-C213", DB + flow(query("select ';x' -- ; select 2"), query("select /* ; */ 1")), []),
    ("OCTO-C214", DB + flow(query("create table t (at TIMESTAMP)", ", exec: true")), ['query: "create']),
    ("OCTO-C214", DB + flow(query("select date from t"), query("create table t (updated text)", ", exec: true")), []),
    ("OCTO-C215", DB + flow(query("create table t (a integer references b)", ", exec: true")), ['query: "create']),
    ("OCTO-C216", DB + flow(query("select ?", ", args: ['b\"x\"', '\"x\"']")), ["'b\"x"]),
    ("OCTO-C217", flow(payload("now"), payload('b"x"'), payload("string(now)")), ["'now'", "'b\"x"]),
    ("OCTO-C217", flow("set-payload, settings: {value: 'b\"x\"', rawBody: true, contentType: a/b}"), []),
    ("OCTO-C218", flow(status('body.a ? "404" : 199')), ['"404" : 199', "199'"]),
    ("OCTO-C218", flow(status("body.a ? 404 : body.b")), []),
    ("OCTO-C218", flow("set-variable, settings: {name: other, value: '\"404\"'}"), []),
    ("OCTO-C219", flow(payload("body.a * body.b + body.a * 2")), ["* body.b"]),
    ("OCTO-C220", flow(payload("body.a / body.b + body.a / 2")), ["/ body.b"]),
    ("OCTO-C221", flow(payload("type(body.a) == int")), ["type(body.a)"]),
    ("OCTO-C224", flow("log, settings: {full: true}"), ["full: true"]),
    ("OCTO-C224", JSON + flow("log, settings: {logger: l, full: true}", "log, settings: {message: body}"), []),
    ("OCTO-C225", API + flow("rest, settings: {connector: api, method: put}", "rest, connector: api"), ["method: put"]),
    ("OCTO-C225", API.replace("}}]", ", followRedirects: never}}]") + flow("rest, connector: api, method: PUT"), []),
    ("OCTO-C226", API, ["{name: api"]),
    ("OCTO-C226", API.replace("}}]", ", retry: {maxAttempts: 1}}}]"), []),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text", "places"), CASES, ids=[f"{code}-{n}" for n, (code, *_) in enumerate(CASES)])
def test_a_difference_is_found_at_its_place(code, text, places):
    at = found(text).get(code, [])

    assert [there[: len(place)] for there, place in zip(at, places, strict=True)] == places


def test_an_env_file_beside_the_configuration_is_found(tmp_path, monkeypatch):
    """Unless it is that of the working directory, too."""
    (tmp_path / ".env").write_text("A=1\n")
    file = tmp_path / "flow.yaml"
    file.write_text(ENV + flow())
    config = load(file, plugins(), {})

    assert [str(each.at) for each in compare(config, [])] == [str(tmp_path / ".env")]
    monkeypatch.chdir(tmp_path)
    assert compare(load(Path("flow.yaml"), plugins(), {}), []) == []


def test_every_difference_has_a_case_and_an_explanation():
    tried = {code for code, _, places in CASES if places} | {"OCTO-C203"}
    codes = [each.code for each in DIFFERENCES]

    assert sorted(tried) == codes
    assert list(EXPLANATIONS) == codes


def test_a_problem_tells_both_sides():
    text = flow(payload("type(body)"))
    (problem,) = compare(parse(text, plugins(), {}), [("flow.yaml", text.encode())])

    assert problem.message == "in the Go implementation 0.1.8, every number of a message is a double"
    assert problem.hint == "here, a whole one is an int"


def test_the_page_lists_what_can_be_found():
    """docs/differences.md has one row for each, in this order and in these words."""
    page = (ROOT / "docs" / "differences.md").read_text()

    rows = re.findall(r"^\| (OCTO-C\d+) \| (.*) \| (.*) \|$", page, re.MULTILINE)

    assert rows == [(each.code, each.there, each.here) for each in DIFFERENCES]
