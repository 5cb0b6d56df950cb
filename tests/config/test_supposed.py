"""Settings while there is no environment."""

from __future__ import annotations

import pytest

from octo.config.load import check, draft
from octo.config.report import Report
from octo.config.supposed import respelled
from octo.config.yaml import read


@pytest.fixture
def opened(plugins):
    """The settings of the connector `web`, and what is wrong."""

    def parse(settings: str):
        report = Report()
        text = f"env: [{{name: A}}, {{name: B}}]\nconnectors: [{{name: web, type: http, settings: {settings}}}]"
        file = read(text.encode(), "flow.yaml", report)
        assert file is not None
        config = check(draft([file], None, plugins, None, report))
        web = config.connectors.get("web")
        return (None if web is None else web.settings), [each.message for each in report.problems]

    return parse


def test_a_value_that_only_a_variable_tells_is_left_open(opened):
    """A number that nobody knows is as if it were not written; the rest stands."""
    settings, problems = opened("{port: '${A}', token: 'ab${B}', headers: {X: '${A}/b'}}")

    assert problems == []
    assert (settings.port, settings.headers) == (8080, {"X": "$A/b"})


def test_what_is_wrong_elsewhere_is_told(opened):
    settings, problems = opened("{port: '${A}', headers: 3}")

    assert settings is None
    assert problems == ["`headers`: expected a mapping, found a whole number"]


def test_a_part_that_is_wrong_beside_a_variable_is_told_and_left_out(opened):
    settings, problems = opened("{tls: {cert: [1], key: '${A}'}, headers: {X: y}}")

    assert len(problems) == 1
    assert (settings.tls, settings.headers) == (None, {"X": "y"})


def test_references_are_spelled_as_authors_do():
    assert respelled("/$A/$B/{$}", {"A"}) == "/${A}/$B/{$}"
