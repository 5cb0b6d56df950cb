"""The platform on one machine with compose: closed, nothing by default, and a NATS that loses nothing."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from typing import Any

import pytest
import yaml

from octo.testing.nats import Nats
from octo.testing.servers import free_port
from tests.platform.packaging.conftest import ROOT

DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
PASSWORD = "n12e4567890abcdef"
EXAMPLE = (DEPLOY / ".env.example").read_text()


def variables(text: str) -> dict[str, str]:
    """Name → what stands behind it, `:?message`, `:-default` or nothing."""
    return dict(re.findall(r"\$\{([A-Z_]+)((?::[?-])[^}]*)?\}", text))


def test_nothing_has_a_default_password():
    """What is secret is asked for with `:?`, so compose refuses to start without it; the example leaves it empty."""
    secret = {name: rest for name, rest in variables(TEXT).items() if re.search("PASSWORD|KEY|TOKEN", name)}

    assert secret
    assert set(secret.values()) == {":?see .env.example"}
    assert {name for name in secret if re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE)} == set(secret)


def test_the_example_has_every_variable():
    """Those that need no value as a comment."""
    assert set(variables(TEXT)) == set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE, re.MULTILINE))


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_closed(name):
    """It writes to its volumes only, has no rights, gets none, and its log does not fill the disk."""
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["logging"]["options"]["max-size"]
    assert not service.get("privileged")
    assert "/var/run/docker.sock" not in json.dumps(service)


def test_nobody_is_root_but_who_prepares_a_volume():
    """That one has no network and one right."""
    roots = [name for name, service in SERVICES.items() if service["user"].startswith("0")]

    assert roots == ["nats-volume"]
    assert SERVICES["nats-volume"]["network_mode"] == "none"
    assert SERVICES["nats-volume"]["cap_add"] == ["CHOWN"]
    assert [name for name, service in SERVICES.items() if "cap_add" in service] == roots


def test_all_ports_are_on_loopback():
    """Those that are published, and the platform's own, which has no host of its own but the default."""
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "OCTO_PLATFORM_HOST" not in SERVICES["platform"]["environment"]


def test_the_platform_waits_for_what_it_needs():
    """Each service that runs tells its health, and nothing starts before what it needs is healthy."""
    running = {name for name, service in SERVICES.items() if service["restart"] != "no"}

    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == running
    needs = SERVICES["platform"]["depends_on"]
    assert needs == {name: {"condition": "service_healthy"} for name in ("postgres", "nats")}


def test_images_are_fixed():
    """None of them is `latest`, and each may be given by its digest."""
    images = [service["image"] for service in SERVICES.values()]

    assert all(re.fullmatch(r"\$\{[A-Z_]+_IMAGE:-[^}]+:[^}]+\}", image) for image in images)
    assert not [image for image in images if ":latest" in image]


def test_volumes_and_files_are_there():
    """What is mounted is declared, and the files exist."""
    mounted = {each.partition(":")[0] for service in SERVICES.values() for each in service.get("volumes", [])}

    assert mounted == set(COMPOSE["volumes"])
    assert [(DEPLOY / each["file"]).is_file() for each in COMPOSE["configs"].values()] == [True]
    assert (DEPLOY / SERVICES["platform"]["build"]["context"] / SERVICES["platform"]["build"]["dockerfile"]).is_file()


def test_secrets_are_not_committed():
    """`.env` is left out of the repository."""
    assert ".env" in (ROOT / ".gitignore").read_text().split()


# --- NATS ------------------------------------------------------------------------------------------------------------


class Shipped(Nats):
    """With the configuration as it is, but for places: ports, and the folder of streams."""

    def arguments(self) -> list[str]:
        self._monitor = free_port()
        text = (DEPLOY / "nats.conf").read_text()
        for place, other in {
            "0.0.0.0:4222": self.address,
            "127.0.0.1:8222": f"127.0.0.1:{self._monitor}",
            "store_dir: /data": f"store_dir: {json.dumps(str(self.folder))}",
        }.items():
            assert place in text
            text = text.replace(place, other)
        (self.folder / "nats.conf").write_text(text)
        return ["--config", str(self.folder / "nats.conf")]

    def told(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._monitor}/{path}") as answer:
            return json.load(answer)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NATS_PASSWORD", PASSWORD)
    with Shipped.started() as server:
        yield server


def test_nats_writes_before_it_acknowledges(server):
    """By default it acknowledges first, and a crash of the machine loses what was acknowledged."""
    assert server.told("jsz?config=1")["config"]["sync_always"] is True


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"user": "octo", "pass": PASSWORD}, b"PONG"),
        ({"user": "octo", "pass": "wrong"}, b"-ERR 'Authorization Violation'"),
        ({}, b"-ERR 'Authorization Violation'"),
    ],
)
def test_nats_lets_in_who_has_the_password(server, given, answer):
    """And nobody else."""
    with socket.create_connection((server.host, server.port)) as connection, connection.makefile("rwb") as stream:
        assert stream.readline().startswith(b"INFO ")
        stream.write(b"CONNECT " + json.dumps({"verbose": False, **given}).encode() + b"\r\nPING\r\n")
        stream.flush()

        assert stream.readline().strip() == answer
