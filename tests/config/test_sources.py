"""Sources and the instances that feed them."""

from __future__ import annotations

import pytest

from octo.config.sources import variables
from octo.core.settings import Settings


def flow(source: str, connectors: str = "") -> str:
    return f"connectors: [{connectors}]\nflows: [{{name: f, source: {source}}}]\n"


@pytest.mark.parametrize(
    ("connectors", "source", "expected"),
    [
        ("{name: web, type: http}", "{connector: web, type: http, settings: {path: /a}}", "web"),
        ("{name: web, type: http}", "{type: http, settings: {path: /a}}", "web"),
        ("{name: web, type: http}", "{connector: http, type: http, settings: {path: /a}}", "web"),
        ("", "{type: http, settings: {path: /a}}", "http"),
        ("", "{connector: http, type: http, settings: {path: /a}}", "http"),
        ("{name: http, type: cron}", "{type: http, settings: {path: /a}}", "http (default)"),
    ],
)
def test_binding(config, connectors: str, source: str, expected: str):
    found = config(flow(source, connectors))

    assert found.flows["f"].source.connector == expected
    assert expected in found.connectors


class Brought(Settings):
    many: list[int]
    either: int | str
    truth: bool


@pytest.mark.parametrize(
    ("sets", "named", "expected"),
    [
        (None, {"a": str}, None),
        (Brought, None, {"many": "list", "either": "dyn", "truth": "bool"}),
        (
            Brought,
            {"a": str, "b": object, "many": str},
            {"many": "string", "either": "dyn", "truth": "bool", "a": "string", "b": "dyn"},
        ),
    ],
)
def test_the_variables_of_a_source_are_those_of_its_type_and_of_its_settings(config, sets, named, expected):
    """If the type declares no variables, none are known, even if its settings name some."""
    doc = config(flow("{type: http, settings: {path: /a}}")).flows["f"].source

    class Own(type(doc.settings)):
        def variables(self):
            return named

    settings = doc.settings if named is None else Own(path="/a")
    assert variables(doc._replace(type=doc.type._replace(sets=sets), settings=settings)) == expected


def test_default_instances_are_shared(config):
    found = config(
        """\
        flows:
        - {name: a, source: {type: http, settings: {path: /a}}}
        - {name: b, source: {type: http, settings: {path: /b}}}
        - {name: c, source: {type: cron, settings: {schedule: 0 0 0 1 1 *, payload: now}}}
        """
    )

    assert list(found.connectors) == ["http", "cron"]
    assert found.flows["c"].source.settings.payload.text == "now"


@pytest.mark.parametrize(
    ("connectors", "source", "expected"),
    [
        ("", "3", "OCTO-C110 `source` must be a mapping, found a whole number"),
        ("", "{}", "OCTO-C112 `type` of a source is missing"),
        ("", "{type: htp}", "OCTO-C132 no source type `htp` | did you mean `http`?; known: `cron`, `http`"),
        (
            "",
            "{type: http}",
            "OCTO-C112 `path` of the `http` source is missing | add `path: ...` (Path of the route, e.g.",
        ),
        (
            "",
            "{type: http, path: /a, settings: {path: /a}}",
            "OCTO-C111 a source has no key `path` | put it under `settings:`; known",
        ),
        (
            "",
            "{type: http, settings: {path: /a, durability: journal}}",
            "OCTO-C111 the `http` source has no key `durability` | `durability` belongs to the flow: write it beside",
        ),
        (
            "",
            "{type: http, deadLetter: {queue: dead}, settings: {path: /a}}",
            "OCTO-C111 a source has no key `deadLetter` | `deadLetter` belongs to the flow: write it beside",
        ),
        (
            "{name: web, type: http}",
            "{connector: wbe, type: http}",
            "OCTO-C133 no connector is named `wbe` | did you mean `web`?",
        ),
        (
            "{name: web, type: http}",
            "{connector: web, type: cron}",
            "OCTO-C132 a `http` connector has no source `cron`",
        ),
        ("{name: l, type: logger}", "{connector: l, type: log}", "OCTO-C132 a `logger` connector feeds no flows"),
        ("", "{connector: database, type: sql}", "OCTO-C132 a `database` connector feeds no flows"),
        (
            "{name: a, type: http}, {name: b, type: http}",
            "{type: http, settings: {path: /a}}",
            (
                "OCTO-C136 several `http` connectors exist, and the source does not say which one feeds it | write "
                "`connector:` with one of `a`, `b`"
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_source(problems, connectors: str, source: str, expected: str):
    (found,) = problems(flow(source, connectors))

    assert expected in found


def test_a_typo_never_binds_to_another_instance(problems):
    """The only instance of the type is not used in its place."""
    (found,) = problems(flow("{connector: web2, type: http, settings: {path: /a}}", "{name: web, type: http}"))

    assert "OCTO-C133" in found
