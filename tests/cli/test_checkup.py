"""Each check says what is wrong and how to mend it, and never a secret."""

from __future__ import annotations

import socket
import sqlite3
import sys
import zoneinfo

import pytest

from octo.builtin import plugins
from octo.cli import checkup
from octo.cli.checkup import dotenv, drivers, folders, machine, ports
from octo.config.load import parse

WEB = "{{name: {name}, type: http, settings: {{host: 127.0.0.1, port: {port}}}}}"


def web(*numbers):
    servers = ", ".join(WEB.format(name=f"web{index}", port=port) for index, port in enumerate(numbers))
    return parse(f"{{connectors: [{servers}], flows: []}}", plugins(), {})


def found(findings, subject):
    (one,) = (each for each in findings if each.subject == subject)
    return one


@pytest.fixture
def taken(port):
    with socket.create_server(("127.0.0.1", port)):
        yield port


OFF = {"OCTO_OBSERVABILITY_ADDR": "off"}


def test_a_free_port_is_ok(port):
    (one,) = ports(web(port), OFF)

    assert (one.level, one.subject) == ("ok", f"port {port}")


def test_a_port_of_a_connector_that_is_taken_fails_and_says_by_whom(taken):
    (one,) = ports(web(taken), OFF)

    assert one.level == "fail"
    assert "taken by process" in one.text
    assert one.fix.startswith("octo run --port ")


def test_one_port_of_several_has_no_other_to_offer(taken, free_port):
    one, two = ports(web(taken, free_port()), OFF)

    assert one.fix.startswith("kill ")
    assert two.level == "ok"


def test_any_port_is_free():
    assert [each.text for each in ports(web(0), OFF)] == ["takes a free port"]


def test_an_address_of_another_machine_fails(port):
    config = parse(
        f"connectors: [{{name: web, type: http, settings: {{host: 192.0.2.1, port: {port}}}}}]", plugins(), {}
    )

    (one,) = ports(config, OFF)

    assert one.level == "fail"
    assert "cannot listen at 192.0.2.1" in one.text


@pytest.mark.parametrize(("asked", "level"), [(True, "fail"), (False, "warn")])
def test_the_operations_port_must_be_free_if_it_was_asked_for(taken, monkeypatch, asked, level):
    monkeypatch.setattr("octo.operations.address.DEFAULT", f"127.0.0.1:{taken}")
    environ = {"OCTO_OBSERVABILITY_ADDR": f"127.0.0.1:{taken}"} if asked else {}

    (one,) = ports(web(), environ)

    assert one.level == level
    assert one.fix.startswith("octo run --admin-addr 127.0.0.1:")


def test_an_operations_port_that_is_none_fails():
    (one,) = ports(web(), {"OCTO_OBSERVABILITY_ADDR": "nowhere"})

    assert (one.level, one.fix) == ("fail", "unset OCTO_OBSERVABILITY_ADDR")


@pytest.mark.parametrize(
    ("version", "level"), [((3, 10, 9), "fail"), ((3, 11, 0), "ok"), ((3, 13, 1), "ok"), ((3, 15, 0), "warn")]
)
def test_python_must_be_one_that_octo_knows(monkeypatch, version, level):
    monkeypatch.setattr(sys, "version_info", version)

    assert found(machine(), "python").level == level


def test_the_octo_of_the_path_must_be_this_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert found(machine(), "octo").level == "warn"

    other = tmp_path / "octo"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    one = found(machine(), "octo")
    assert one.level == "warn"
    assert f"PATH finds {other}" in one.text
    assert one.fix.startswith("export PATH=")

    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    other.rename(tmp_path / "bin" / "octo")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert found(machine(), "octo").level == "ok"


def test_zones_must_be_known(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Nowhere")
    assert found(machine(), "time zones").level == "warn"

    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    one = found(machine(), "time zones")
    assert (one.level, one.fix) == ("fail", "pip install --upgrade tzdata")


def test_few_open_files_are_a_warning(monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 1024))

    assert found(machine(), "open files").level == "warn"


def test_the_driver_has_a_version(monkeypatch):
    text = "connectors: [{name: db, type: database, settings: {driver: sqlite, dsn: x.db}}]"
    config = parse(text, plugins(), {})
    assert [each.text for each in drivers(config)] == [f"SQLite {sqlite3.sqlite_version}"]

    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 0))
    assert [each.level for each in drivers(config)] == ["warn"]


def test_folders_must_exist_and_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = """
    connectors:
      - {name: db, type: database, settings: {driver: sqlite, dsn: data/x.db}}
      - {name: memory, type: database, settings: {driver: sqlite, dsn: ":memory:"}}
    """
    told = list(folders(parse(text, plugins(), {}), {"OCTO_SPOOL_DIR": "none"}))

    assert [(each.level, each.subject) for each in told] == [
        ("fail", "spool folder"),
        ("ok", "trace folder"),
        ("fail", "folder of db"),
    ]
    assert told[2].fix == f"mkdir -p {tmp_path}/data"


def test_a_folder_that_cannot_be_written_fails(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)

    spool, traces = folders(None, {"OCTO_SPOOL_DIR": str(tmp_path)})

    assert (spool.level, traces.level) == ("fail", "warn")
    assert spool.fix == f"sudo chown $USER {tmp_path}"


def test_a_full_disk_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setattr(checkup, "SPACE", 1 << 62)

    assert "MiB left" in next(folders(None, {"OCTO_SPOOL_DIR": str(tmp_path)})).text


def test_only_the_owner_may_read_dotenv(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [each.text for each in dotenv(tmp_path, {})] == ["there is none"]

    (tmp_path / ".env").write_text("KEY=hunter2\n")
    (tmp_path / ".env").chmod(0o640)
    (one,) = dotenv(tmp_path, {})
    assert (one.level, one.fix) == ("warn", "chmod 600 .env")
    assert "hunter2" not in one.text

    (tmp_path / ".env").chmod(0o600)
    assert [each.level for each in dotenv(tmp_path, {})] == ["ok"]


def test_a_named_dotenv_must_be_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    (one,) = dotenv(tmp_path, {"OCTO_ENV_FILE": "none.env"})

    assert (one.level, one.fix) == ("fail", "unset OCTO_ENV_FILE")


def test_the_files_of_services_must_be_written(tmp_path):
    def storage(places):
        return [each[:2] for each in folders(None, {"OCTO_SERVICES": places}) if each.subject.startswith(("st", "se"))]

    assert storage("memory:") == []
    assert storage(f"sqlite://{tmp_path}/new/octo.db,topics=memory:") == [("ok", "storage folder")]
    assert storage("memory:,queues=sqlite:/proc/octo.db") == [("fail", "storage folder")]
    assert storage("sqllite:octo.db") == [("fail", "services")]


def test_services_in_postgres_need_the_driver(monkeypatch):
    """No part of the URL is in a text: it holds a password."""
    places = "memory:,queues=postgresql://octo:hunter2@db/app?schema=octo"

    def findings():
        return [each for each in folders(None, {"OCTO_SERVICES": places}) if each.subject == "services"]

    assert findings() == []
    monkeypatch.setattr(checkup, "missing", lambda extra: ["asyncpg"] if extra == "postgres" else [])
    (one,) = findings()
    assert (one.level, one.fix) == ("fail", "pip install 'octo-flows[postgres]'")
    assert "hunter2" not in str(one)
