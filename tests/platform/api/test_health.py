"""Whether the platform lives, and whether it is ready, are two questions."""

from __future__ import annotations

from octo_platform.storage.database import opened


async def test_is_ready_while_the_database_answers(client):
    """Health says so, and which release it is."""
    answer = await client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["ready"] is True


async def test_lives_without_a_database(client, installation, free_port):
    """A platform that has lost its database is alive and not ready: a restart would not help it."""
    async with opened(f"postgresql+asyncpg://octo@127.0.0.1:{free_port()}/octo") as nowhere:
        installation.database, before = nowhere, installation.database
        answers = await client.get("/alive"), await client.get("/health")
        installation.database = before

    assert answers[0].status_code == 204
    assert (answers[1].status_code, answers[1].json()["code"]) == (503, "busy")
