"""octo run watches its flows as the options ask. What is not possible is reported before anything runs."""

from __future__ import annotations

import logging

import pytest

from octo.cli.observers import Traces, contracts, otlp_address, recording
from octo.config.load import parse
from octo.core.errors import OctoError
from octo.engine.observe import NOBODY
from octo.engine.service import Service
from octo.testing.harness import running
from octo.trace.opening import open_store

FLOWS = """
flows:
  - {name: f, requires: [body > 0], process: [{type: set-payload, value: body * 2}]}
"""


@pytest.fixture
def service(plugins):
    return Service(lambda: parse(FLOWS, plugins, {}))


def test_without_being_asked_for_nothing_is_kept(service):
    with recording(Traces(), service) as live:
        assert live is None
    assert service.observer is NOBODY


async def test_kept_traces_are_in_the_store_when_it_ends(service, plugins, tmp_path):
    url = f"file:{tmp_path}/traces.jsonl"
    with recording(Traces(url), service):
        async with running(FLOWS, plugins, observer=service.observer) as app:
            await app.call("f", 1)

    assert [each.flow for each in open_store(url).find()] == ["f"]


def test_the_folder_of_the_default_store_is_made_for_its_owner_alone(service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with recording(Traces("sqlite:.octo/traces.db"), service):
        pass

    assert (tmp_path / ".octo").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / ".octo/traces.db").stat().st_mode & 0o777 == 0o600


def test_credentials_of_a_collector_are_not_logged(service, caplog):
    caplog.set_level(logging.INFO, "octo.trace")

    with recording(Traces(otlp="http://me:hunter22@c/v1/traces?key=verysecret"), service):
        pass

    [record] = [each for each in caplog.records if each.message == "keeping traces"]
    assert record.fields["otlp"] == "http://c/v1/traces"


def test_no_other_folder_is_made(service, tmp_path):
    with pytest.raises(OctoError, match="No such file or directory"), recording(Traces("file:none/t.jsonl"), service):
        pass


def test_a_default_folder_that_cannot_be_made_is_said(service, tmp_path, monkeypatch):
    (tmp_path / ".octo").write_text("")
    monkeypatch.chdir(tmp_path)

    with (
        pytest.raises(OctoError, match=r"cannot create the folder \.octo"),
        recording(Traces("sqlite:.octo/traces.db"), service),
    ):
        pass


@pytest.mark.parametrize(
    ("option", "address"),
    [
        (None, ""),
        ("http://c", "http://c/v1/traces"),
        ("http://c/base/", "http://c/base/v1/traces"),
        ("http://c/?key=a/b", "http://c/v1/traces?key=a/b"),
        ("http://c/base/v1/traces?key=a", "http://c/base/v1/traces?key=a"),
    ],
)
def test_spans_go_to_their_path_of_the_collector(option, address):
    assert otlp_address(option, {}) == address
    assert otlp_address(None, {"OTEL_EXPORTER_OTLP_ENDPOINT": option or ""}) == address


@pytest.mark.parametrize(
    ("option", "environ", "address"),
    [
        (
            None,
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d"},
            "http://d",
        ),
        (None, {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d/in?x"}, "http://d/in?x"),
        ("http://c", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://d/in"}, "http://c/v1/traces"),
    ],
)
def test_the_variable_for_spans_is_the_whole_address_unless_the_command_line_names_another(option, environ, address):
    assert otlp_address(option, environ) == address


async def test_a_broken_clause_is_logged_and_the_message_goes_on(plugins, caplog):
    caplog.set_level(logging.ERROR, "octo.contract")

    async with running(FLOWS, plugins, observer=contracts(1.0)) as app:
        assert (await app.call("f", -1)).body == -2

    [record] = [each for each in caplog.records if each.name == "octo.contract"]
    assert (record.message, record.fields["flow"], record.fields["clause"]) == ("contract broken", "f", "body > 0")


def test_of_no_share_of_the_messages_nothing_is_checked():
    assert contracts(0.0) is None
