"""Whether the platform lives, and whether it is ready, are two questions."""

from __future__ import annotations

import pytest

from octo_platform.enclosure import support
from octo_platform.storage.database import opened


async def test_is_ready_while_the_database_answers(client):
    """Health says so, and which release it is."""
    answer = await client.get("/health")

    assert answer.status_code == 200
    assert answer.json()["ready"] is True


@pytest.mark.parametrize(
    ("targets", "wanted", "told"),
    [
        (("local",), "preferred", support.level()),
        (("local", "kubernetes"), "off", "off"),
        (("kubernetes",), "preferred", None),
    ],
)
async def test_says_how_far_deployments_of_this_machine_are_kept_away(client, installation, targets, wanted, told):
    changed = {"targets": targets, "local_isolation": wanted}
    installation.options = installation.options.model_copy(update=changed)

    assert (await client.get("/health")).json().get("isolation") == told


async def test_lives_without_a_database(client, installation, free_port):
    """A platform that has lost its database is alive and not ready: a restart would not help it."""
    async with opened(f"postgresql+asyncpg://octo@127.0.0.1:{free_port()}/octo") as nowhere:
        installation.database, before = nowhere, installation.database
        answers = await client.get("/alive"), await client.get("/health")
        installation.database = before

    assert answers[0].status_code == 204
    assert (answers[1].status_code, answers[1].json()["code"]) == (503, "busy")
