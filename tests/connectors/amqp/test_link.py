"""Connecting to a broker: over TLS, with and without success, and no error shows a password."""

from __future__ import annotations

import pytest

from octo.connectors.amqp import codes
from octo.engine.connections import StartError
from octo.testing import running
from octo.testing.servers import free_port

FLOW = """
connectors:
  - {name: rabbit, type: amqp, settings: {url: "URL", SETTINGS}}
flows:
  - name: send
    process: [{type: amqp-publish, connector: rabbit, routingKey: '"nowhere"', mandatory: false}]
"""
PASSWORD = "correct-horse"


async def opened(url, settings="heartbeat: 20s"):
    async with running(FLOW.replace("URL", url).replace("SETTINGS", settings)) as app:
        await app.call("send", 1)
        await app.connector("rabbit").health()


async def refused(url, settings="heartbeat: 20s"):
    with pytest.raises(StartError) as found:
        await opened(url, settings)
    assert PASSWORD not in str(found.value)
    return found.value


async def test_a_password_may_stand_beside_the_address(rabbit):
    await opened(f"amqp://guest@{rabbit.address}", "password: guest")
    error = await refused(f"amqp://guest@{rabbit.address}", f"password: {PASSWORD}")
    assert error.code == codes.REFUSED_LOGIN


async def test_a_password_that_is_wrong_is_told_apart_from_a_broker_that_is_away(rabbit):
    wrong = await refused(f"amqp://guest:{PASSWORD}@{rabbit.address}")
    away = await refused(f"amqp://guest:{PASSWORD}@127.0.0.1:{free_port()}")
    assert (wrong.code, away.code) == (codes.REFUSED_LOGIN, codes.UNREACHABLE)
    assert "Login was refused" in str(wrong)
    assert str(away).endswith("Connection refused")


async def test_a_virtual_host_that_is_not_there_is_said(rabbit):
    error = await refused(f"{rabbit.url}no%2Fhost")
    assert error.code == codes.REFUSED_LOGIN
    assert "refuses the virtual host 'no/host'" in str(error)


async def test_a_broker_with_tls_is_trusted_by_its_authority_alone(rabbit):
    address = f"amqps://guest:guest@127.0.0.1:{rabbit.encrypted}"
    error = await refused(address)
    assert "self-signed certificate; `tls.ca` names the authorities to trust" in str(error)
    await opened(address, f"tls: {{ca: {rabbit.certificate}}}")
    await opened(address, "tls: {insecureSkipVerify: true}")


async def test_a_name_that_is_not_that_of_the_certificate_is_not_trusted(rabbit):
    address = f"amqps://guest:guest@localhost:{rabbit.encrypted}"
    error = await refused(address, f"tls: {{ca: {rabbit.certificate}}}")
    assert "Hostname mismatch" in str(error)


@pytest.mark.parametrize(
    ("scheme", "said"),
    [("amqps", "does the broker use TLS at this port?"), ("amqp", "cannot connect")],
    ids=["tls without", "plain with"],
)
async def test_tls_at_the_wrong_port_is_said(rabbit, scheme, said):
    port = rabbit.port if scheme == "amqps" else rabbit.encrypted
    assert said in str(await refused(f"{scheme}://guest:{PASSWORD}@127.0.0.1:{port}"))


async def test_certificates_that_are_not_there_are_said():
    error = await refused("amqps://localhost", "tls: {ca: /nowhere.pem}")
    assert "`tls.ca`: cannot use /nowhere.pem: No such file or directory; correct the path" in str(error)
