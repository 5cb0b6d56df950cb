"""A block works with any connector of its family, and settings name connectors besides the block's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Self

import pytest

from octo import ConnectorRef, Disconnected, Message, Of, Settings, block, connector
from octo.core.errors import ConfigError
from octo.core.flow import Failure
from octo.testing.clock import virtual
from octo.testing.harness import running


class Nothing(Settings):
    """No settings."""


class Named(Settings):
    others: list[Annotated[ConnectorRef, Of("store")]] = []
    """More stores."""


class Store:
    kind = ""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Nothing) -> AsyncIterator[Self]:
        del settings
        yield cls()

    async def tell(self) -> str:
        return self.kind


@connector("red", family="store")
class Red(Store):
    """A store."""

    kind = "red"


@connector("blue", family="store")
class Blue(Store):
    """Another store."""

    kind = "blue"
    lost = False

    async def tell(self) -> str:
        if not Blue.lost:
            Blue.lost = True
            raise Disconnected("reset by peer")
        return "blue again"


@block("tell", connector="store")
async def tell(store: Store, settings: Named, message: Message) -> Message:
    """Tell which stores there are."""
    return message.with_body(
        [await store.tell(), *[await each.use(lambda other: other.tell()) for each in settings.others]]
    )


CONNECTORS = "connectors: [{name: r, type: red}, {name: b, type: blue}, {name: web, type: http}]"
COMPONENTS = [Red, Blue, tell]


def flow(block: str) -> str:
    return f"{CONNECTORS}\nflows: [{{name: f, process: [{block}]}}]"


async def test_a_block_takes_any_connector_of_its_family():
    async with running(flow("{type: tell, connector: r}"), components=COMPONENTS) as app:
        assert (await app.call("f")).body == ["red"]


@virtual()
async def test_a_connector_that_settings_name_is_opened_again_like_any_other():
    """The first use finds the connection lost; a later one reaches the connector that was opened since."""
    Blue.lost = False
    async with running(flow("{type: tell, connector: r, others: [b, r]}"), components=COMPONENTS) as app:
        with pytest.raises(Failure, match="reset by peer"):
            await app.call("f")
        await asyncio.sleep(5)

        assert (await app.call("f")).body == ["red", "blue again", "red"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("{type: tell, connector: web}", "the `tell` block needs a `store` connector, `web` is of type `http`"),
        ("{type: tell}", "does not say which `store` connector it uses"),
        ("{type: tell, connector: r, others: [web]}", "the `tell` block needs a `store` connector, `web` is of type"),
        ("{type: tell, connector: r, others: [rr]}", "no connector is named `rr`"),
    ],
)
async def test_a_connector_of_another_family_is_refused(block, expected):
    with pytest.raises(ConfigError, match=expected):
        async with running(flow(block), components=COMPONENTS):
            pass
