"""Everything that is stored sealed is sealed anew, wherever it is."""

from __future__ import annotations

import pytest
from sqlalchemy import LargeBinary, String, Text, select

from octo_platform.commands.rotation import rotate
from octo_platform.options import Options
from octo_platform.storage.database import opened, url_of
from octo_platform.storage.sealing import Keyring, Unsealable, new_key
from octo_platform.storage.tables import Deployment, Entry, Login, Store, Table, now
from tests.platform.conftest import on_both


async def everything(house, key) -> None:
    """Let the platform store something sealed in each place that there is."""
    client = await house.visitor(Authorization=f"Bearer {key}")
    once = {"Idempotency-Key": "once"}
    for path, body in (
        ("/workspaces", {"name": "shop"}),
        ("/workspaces/shop/environments", {"name": "dev"}),
        ("/workspaces/shop/integrations", {"name": "hello"}),
        ("/workspaces/shop/integrations/hello/versions", {"tag": "v1"}),
        ("/workspaces/shop/deployments", {"environment": "dev", "integration": "hello", "tag": "v1"}),
    ):
        assert (await client.post(path, json=body, headers=once | {"Idempotency-Key": path})).status_code == 201
    assert (await client.put("/workspaces/shop/secrets/BANK", json={"value": "x"})).status_code == 201
    keyring = house.installation.keyring
    async with house.installation.database.write() as session:
        login = await session.scalar(select(Login))
        login.refresh = keyring.seal(f"login/{login.id}", b"refresh")
        of = await session.scalar(select(Deployment))
        kept = Store(id="kept", integration_id=of.integration_id, environment_id=of.environment_id, slug=of.slug)
        session.add(kept)
        await session.flush()
        sealed = keyring.seal("entry/kept/bank_secrets/a/b", b"kept").encode()
        for space, value in (("plain", b"12345678:abcd"), ("bank_secrets", sealed)):
            session.add(Entry(store_id="kept", namespace=space, key="a/b", value=value, version=1))


async def sealed(database, key: str) -> set[str]:
    """Where in the whole database something is stored that this key has sealed."""
    newest = Keyring([key]).newest
    found = set()
    async with database.read() as session:
        for table in Table.metadata.sorted_tables:
            columns = [each for each in table.columns if isinstance(each.type, String | Text | LargeBinary)]
            for row in await session.execute(select(*columns)):
                for column, value in zip(columns, row, strict=True):
                    text = value.decode("latin-1") if isinstance(value, bytes) else value or ""
                    if f"{newest}:" in text:
                        found.add(f"{table.name}.{column.name}")
    return found


class TestEverywhere:
    @pytest.fixture
    def old(self) -> str:
        return new_key()

    @pytest.fixture
    def closed(self, closed, old):
        return {**closed, "keys": (old,)}

    @on_both
    async def test_afterwards_the_old_key_is_not_needed(self, house, key, closed, old, place):
        await everything(house, key)
        before = await sealed(house.installation.database, old)
        new = new_key()

        counts = await rotate(Options(**{**closed, "keys": (new, old)}))
        again = await rotate(Options(**{**closed, "keys": (new,)}))

        assert {name for name, count in counts.items() if count} == {
            *("secrets", "tokens", "entries", "sign-ins", "answers", "settings")
        }
        assert {*again.values()} == {0}
        async with opened(url_of(place)) as database:
            assert await sealed(database, old) == set()
            assert await sealed(database, new) == before
            async with database.read() as session:
                plain = await session.scalar(select(Entry.value).where(Entry.namespace == "plain"))
        assert plain == b"12345678:abcd"
        assert now() is not None

    async def test_a_key_that_is_missing_changes_nothing(self, house, key, closed, old):
        await everything(house, key)
        before = await sealed(house.installation.database, old)

        with pytest.raises(Unsealable):
            await rotate(Options(**{**closed, "keys": (new_key(),)}))
        assert await sealed(house.installation.database, old) == before
