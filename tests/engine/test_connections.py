"""Equal documents share one connection, which closes with its last user."""

from __future__ import annotations

import asyncio

import pytest

from octo.config.load import parse
from octo.engine.connections import Connections, StartError
from octo.testing.probe import history


def doc(plugins, settings="{id: a}"):
    text = f"connectors: [{{name: a, type: probe, settings: {settings}}}]"
    return parse(text, plugins, {}).connectors["a"]


async def test_the_last_user_closes(plugins):
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        first = await connections.acquire(doc(plugins))
        second = await connections.acquire(doc(plugins))
        assert first is second

        await connections.release(doc(plugins))
        assert history == ["open a"]

        await connections.release(doc(plugins))
        assert history == ["open a", "close a"]


async def test_other_settings_are_another_connection(plugins):
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        first = await connections.acquire(doc(plugins))
        second = await connections.acquire(doc(plugins, "{id: b}"))
        assert first is not second

        await connections.release(doc(plugins))
        await connections.release(doc(plugins, "{id: b}"))


async def test_one_that_does_not_open_can_be_tried_again(plugins):
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks)
        for _ in range(2):
            with pytest.raises(StartError, match="told to refuse"):
                await connections.acquire(doc(plugins, "{refuse: true}"))


async def test_a_stub_stands_in_for_the_connector_of_its_name(plugins):
    a = doc(plugins)
    async with asyncio.TaskGroup() as tasks:
        connections = Connections(tasks, {"a": a.type.stub.settings.model_validate({"notes": ["before"]})})
        stub = await connections.acquire(a)
        await connections.release(a)

    assert stub.notes == ["before"]
    assert history == []
