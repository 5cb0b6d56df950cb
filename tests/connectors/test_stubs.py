"""Every built-in connector has a stub, and every stub keeps the same promises."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from octo.builtin import BLOCKS, CONNECTORS
from octo.core.plugins import Plugins
from octo.core.powers import Healthy
from octo.core.settings import Settings, field_docs
from octo.services.container import Services

BUILTIN = Plugins(CONNECTORS, BLOCKS)
TYPES = {name: BUILTIN.connector(name) for name in CONNECTORS}

SETTINGS = {
    "amqp": {"url": "amqp://octo:pass@rabbit.test/"},
    "database": {"driver": "postgres", "dsn": "postgres://octo:pass@db.test/shop"},
    "http-client": {"baseURL": "https://shop.test"},
    "kafka": {"brokers": ["kafka.test:9092"]},
    "llm-anthropic": {"apiKey": "sk-none-at-all"},
    "llm-gemini": {"apiKey": "sk-none-at-all"},
    "llm-ollama": {"model": "small"},
    "llm-openai": {"apiKey": "sk-none-at-all"},
    "llm-openrouter": {"apiKey": "sk-none-at-all"},
    "brave": {"apiKey": "key-0123456789"},
    "pgvector": {"dsn": "postgres://octo:pass@db.test/shop", "dimension": 3},
    "pinecone": {"apiKey": "key-0123456789", "index": "docs"},
    "qdrant": {"collection": "docs", "dimension": 3},
    "searxng": {"url": "http://searxng.test"},
    "tavily": {"apiKey": "key-0123456789"},
    "vector-sqlite": {"dimension": 3},
    "mcp-client": {"url": "https://tools.test/mcp"},
    "logger": {"output": "/nowhere/flow.log"},
}
SPECS = {"database": {"sqlite": ["create table a (b integer)"]}}


def models(annotation: Any):
    """The settings models that an annotation mentions, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for info in annotation.model_fields.values():
            yield from models(info.annotation)
    for argument in get_args(annotation):
        yield from models(argument)


@pytest.mark.parametrize("name", TYPES)
async def test_a_stub_opens_and_closes_again_and_again_without_the_world(name):
    """It needs neither a server nor a file."""
    connector = TYPES[name]
    settings = connector.settings.model_validate(SETTINGS.get(name, {}))
    spec = connector.stub.settings.model_validate(SPECS.get(name, {}))
    for _ in range(2):
        async with Services() as services:
            await services.open(connector.stub.services.values())
            handed = services.handed(connector.stub.services)
            async with connector.stub.function(connector.cls, settings, spec, **handed) as instance:
                assert type(instance) is connector.cls
                if isinstance(instance, Healthy):
                    await instance.health()


@pytest.mark.parametrize("name", TYPES)
def test_whatever_a_test_may_write_is_documented(name):
    stub = TYPES[name].stub
    missing = [
        f"{model.__name__}.{field}"
        for declared in (stub.settings, stub.trigger)
        for model in models(declared)
        for field in model.model_fields.keys() - field_docs(model).keys()
    ]

    assert missing == []
    assert all(model.__doc__ and model.__doc__ != Settings.__doc__ for model in models(stub.settings))


@pytest.mark.parametrize("name", TYPES)
def test_an_unknown_key_is_refused(name):
    for model in filter(None, (TYPES[name].stub.settings, TYPES[name].stub.trigger)):
        with pytest.raises(ValidationError, match="Extra inputs"):
            model.model_validate({"nothing": 1})


@pytest.mark.parametrize("name", TYPES)
def test_what_a_test_may_write_has_a_schema(name):
    """So that editors can complete it."""
    for model in filter(None, (TYPES[name].stub.settings, TYPES[name].stub.trigger)):
        assert model.model_json_schema()["additionalProperties"] is False


def test_sources_of_connectors_with_stubs_can_be_triggered():
    assert [name for name, each in TYPES.items() if each.sources and each.stub.trigger is None] == []


def test_what_only_calls_others_is_not_asked_for_its_health():
    """A server that is down must not make every process that calls it unready. `events` tells of missed events."""
    assert [name for name, each in TYPES.items() if issubclass(each.cls, Healthy)] == [
        "amqp",
        "database",
        "events",
        "http",
        "kafka",
        "mcp-client",
        "mqtt",
        "nats",
        "pgvector",
        "redis",
    ]
