"""Where services are is seen by everybody; the password there is a secret that only deployments get."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from sqlalchemy import update

from octo_platform.environments import services
from octo_platform.storage.tables import Environment
from tests.platform.asking import ANY, FLOW, HERE, deployment, done, integration, problem, shop, until

DEV = f"{HERE}/environments/dev"
ADDRESS = "nats://octo:${NATS}@nats:4222"


def settings(address: str) -> dict[str, str]:
    return {"namespace": "shop", "services": address}


@pytest.mark.parametrize(
    "text",
    [
        "nats://octo:s3cr3t@nats:4222",
        "nats://s3cr3t@nats:4222",
        "nats://octo:${A}s3cr3t@nats:4222",
        "sqlite:octo.db,queues=redis://:s3cr3t@cache/0",
        "postgresql://octo@db/octo?sslmode=require&password=s3cr3t",
        "postgresql://octo:s3:cr@3t@db/octo",
    ],
)
def test_a_password_in_it_is_refused_and_not_shown(text):
    with pytest.raises(ValueError, match="everybody would see") as caught:
        services.check(text)
    assert "s3cr3t" not in str(caught.value)
    assert "s3" not in services.masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "memory:",
        "nats://nats:4222/octo?replicas=3",
        "nats://${TOKEN}@nats:4222",
        ADDRESS,
        "postgresql://octo@db/octo?sslmode=require",
        "postgresql://octo:${A}@db/octo,queues=redis://:${B.c-d}@cache",
        "files:/run/secrets",
    ],
)
def test_what_names_secrets_is_taken_and_shown_as_it_is(text):
    services.check(text)
    assert services.masked(text) == text


def test_values_are_escaped():
    """So none ends the login, or begins another URL."""
    filled = services.filled(ADDRESS, {"NATS": SecretStr("p@ss/w:rd,x=1 ü")})
    assert filled == "nats://octo:p%40ss%2Fw%3Ard%2Cx%3D1%20%C3%BC@nats:4222"
    assert services.names({"services": "a://${B}:${A}@c,d=e://:${A}@f"}) == ["A", "B"]
    assert services.names({}) == []


async def test_deployments_get_the_value_and_a_new_one_at_once(client, reconciling, pretence):
    await shop(client, target="kubernetes", settings=settings(ADDRESS))
    await integration(client, "orders", FLOW, "v1")
    body = {"environment": "dev", "integration": "orders", "tag": "v1"}
    assert await problem(client.post(f"{HERE}/deployments", json=body)) == "no-such-secret"
    await done(client.put(f"{DEV}/secrets/NATS", json={"value": "p@ss"}))
    await deployment(client)
    await until(client, phase="running")
    assert pretence.applied[-1].services == "nats://octo:p%40ss@nats:4222"
    assert "p%40ss" not in repr(pretence.applied[-1])
    assert (await done(client.get(DEV))).json()["settings"]["services"] == ADDRESS
    written = await done(client.put(f"{DEV}/secrets/NATS", json={"value": "new"}, headers=ANY))
    assert written.json()["rolled"] == ["orders"]
    await until(client, phase="running", observedGeneration=2)
    assert pretence.applied[-1].services == "nats://octo:new@nats:4222"
    assert await problem(client.delete(f"{DEV}/secrets/NATS", headers=ANY)) == "in-use"


async def test_a_password_is_refused_when_it_is_written_and_masked_where_it_stands(client, installation):
    await shop(client, target="kubernetes", settings=settings("nats://n"))
    change = {"settings": settings("nats://octo:s3cr3t@nats:4222")}
    refused = await client.patch(DEV, json=change, headers=ANY)
    assert (refused.json()["code"], "s3cr3t" in refused.text) == ("invalid", False)
    async with installation.database.write() as session:
        await session.execute(update(Environment).values(settings=change["settings"]))
    for path in (DEV, f"{HERE}/environments"):
        answer = await done(client.get(path))
        assert "nats://octo:***@nats:4222" in answer.text


async def test_what_runs_is_not_left_without_its_secret(client):
    await shop(client, target="kubernetes", settings=settings("nats://n"))
    change = {"settings": settings(ADDRESS)}
    await done(client.patch(DEV, json=change, headers=ANY))
    await done(client.patch(DEV, json={"settings": settings("nats://n")}, headers=ANY))
    await integration(client, "orders", FLOW, "v1")
    await deployment(client)
    assert await problem(client.patch(DEV, json=change, headers=ANY)) == "no-such-secret"
