"""Which built-in component has which optional power: a misspelt method fails here, instead of doing nothing.

The type checker reads this file too (`files` in pyproject.toml): an entry in a table proves that the names, parameters
and results are those of the protocol. The tests prove that the tables are complete.
"""

from __future__ import annotations

import pytest

from octo import Conflicting, Effectful, Healthy, Repeating, Replying, Shaped, Stubbed, Triggered, Vetting
from octo.ai.agent.settings import AgentSettings, Clear, Read as ReadMemory
from octo.ai.blocks.embed import AiEmbed
from octo.ai.blocks.mapping import AiMapping
from octo.ai.blocks.prompt import AiPrompt
from octo.ai.blocks.retry import AiRetry
from octo.ai.blocks.router import AiRouter
from octo.ai.llm import anthropic, gemini, ollama, openai, openrouter
from octo.ai.mcp import client as mcp_client
from octo.ai.mcp.serving.ask import Ask
from octo.ai.mcp.serving.progress import Progress
from octo.ai.mcp.serving.settings import Router
from octo.blocks import (
    aggregate,
    branch,
    cache,
    chunk,
    circuit_breaker,
    delay,
    enrich,
    filter,  # noqa: A004  their names
    flow_ref,
    foreach,
    fork,
    handle_errors,
    idempotent,
    jwt_validate,
    lock,
    objects,
    python,
    retry,
    set,  # noqa: A004  as above
    split,
    template,
    throttle,
    timeout,
    validate,
    vector,
    web_search,
)
from octo.builtin import BLOCKS, CONNECTORS
from octo.connectors import (
    amqp,
    brave,
    cron,
    database,
    events,
    http,
    http_client,
    kafka,
    logger,
    mqtt,
    nats,
    pgvector,
    pinecone,
    qdrant,
    queue,
    redis,
    searxng,
    tavily,
    vector_sqlite,
)
from octo.connectors.amqp.settings import Publish as AmqpPublish
from octo.connectors.database.settings import Query
from octo.connectors.events.settings import Publish
from octo.connectors.http import sse
from octo.connectors.http_client.rest import Rest, RestDynamic
from octo.connectors.kafka.settings import Publish as RecordPublish
from octo.connectors.mqtt import settings as mqtt_settings
from octo.connectors.nats import settings as nats_settings
from octo.connectors.queue.settings import Dispatch
from octo.core.plugins import Plugins

BUILTIN = Plugins(CONNECTORS, BLOCKS)
CLASSES = [each.cls for each in map(BUILTIN.connector, CONNECTORS) if each]
BLOCK_TYPES = [each for each in map(BUILTIN.block, BLOCKS) if each]

STUBBED: list[Stubbed] = [
    amqp.Amqp,
    brave.Brave,
    cron.Cron,
    database.Database,
    events.Events,
    http.Http,
    http_client.HttpClient,
    kafka.Kafka,
    *(anthropic.Anthropic, gemini.Gemini, ollama.Ollama, openai.OpenAI, openrouter.OpenRouter),
    logger.Logger,
    mcp_client.McpClient,
    mqtt.Mqtt,
    nats.Nats,
    pgvector.Pgvector,
    pinecone.Pinecone,
    qdrant.Qdrant,
    queue.Queue,  # type: ignore[list-item]  # its stub asks for a service, which the protocol leaves out
    redis.Redis,
    searxng.Searxng,
    tavily.Tavily,
    vector_sqlite.VectorSqlite,
]
CONFLICTING: list[Conflicting] = [events.Events, http.Http, kafka.Kafka, mqtt.Mqtt]
VETTING: list[Vetting] = [http.Http]
REPLYING: list[Replying] = [
    amqp.Amqp,
    http.Http,
    kafka.Kafka,
    mqtt.Mqtt,
    nats.Nats,
    queue.Queue,
    redis.Redis,
]
TRIGGERED: list[type[Triggered]] = [
    amqp.Amqp,
    cron.Cron,
    events.Events,
    http.Http,
    kafka.Kafka,
    mqtt.Mqtt,
    nats.Nats,
    queue.Queue,
    redis.Redis,
]
HEALTHY: list[type[Healthy]] = [
    amqp.Amqp,
    database.Database,
    events.Events,
    http.Http,
    kafka.Kafka,
    mcp_client.McpClient,
    mqtt.Mqtt,
    nats.Nats,
    pgvector.Pgvector,
    redis.Redis,
]

EFFECTFUL: list[type[Effectful]] = [
    *(AgentSettings, AiEmbed, AiMapping, AiPrompt, AiRetry, AiRouter),
    AmqpPublish,
    Dispatch,
    Query,
    RecordPublish,
    mcp_client.settings.Call,
    mcp_client.settings.Prompt,
    mcp_client.settings.Read,
    mqtt_settings.Publish,
    nats_settings.Publish,
    nats_settings.Request,
    redis.settings.Add,
    redis.settings.Publish,
    redis.settings.Run,
    Rest,
    RestDynamic,
    pinecone.Ask,
    pinecone.Delete,
    pinecone.Fetch,
    pinecone.Upsert,
    tavily.Crawl,
    tavily.Extract,
    tavily.Map,
    tavily.Search,
    vector.VectorDelete,
    vector.VectorFetch,
    vector.VectorQuery,
    vector.VectorUpsert,
    web_search.WebSearch,
]
REPEATING: list[type[Repeating]] = [AiRetry, retry.Retry]
SHAPED: list[type[Shaped]] = [
    *(AgentSettings, Clear, ReadMemory),
    *(AiEmbed, AiMapping, AiPrompt, AiRetry, AiRouter),
    AmqpPublish,
    Ask,
    Progress,
    Router,
    aggregate.Aggregate,
    branch.If,
    branch.Switch,
    delay.Delay,
    Dispatch,
    enrich.Enrich,
    filter.Filter,
    flow_ref.FlowRefSettings,
    foreach.Foreach,
    fork.Fork,
    handle_errors.HandleErrors,
    mcp_client.settings.Call,
    mcp_client.settings.Prompt,
    mcp_client.settings.Read,
    jwt_validate.JwtValidate,
    mqtt_settings.Publish,
    nats_settings.Publish,
    nats_settings.Request,
    python.Python,
    retry.Retry,
    set.DeleteVariable,
    set.MultiTransform,
    set.SetPayload,
    set.SetVariable,
    cache.CacheScope,
    chunk.Chunk,
    circuit_breaker.CircuitBreaker,
    throttle.Throttle,
    cache.InvalidateCache,
    idempotent.Idempotent,
    lock.Lock,
    objects.ObjectDelete,
    objects.ObjectRead,
    objects.ObjectWrite,
    split.Split,
    timeout.TimeoutSettings,
    validate.Validate,
    template.TemplateResource,
    logger.Entry,
    sse.Event,
    Publish,
    redis.settings.Add,
    redis.settings.Publish,
    redis.settings.Run,
    RecordPublish,
    Query,
    Rest,
    RestDynamic,
    pinecone.Ask,
    pinecone.Delete,
    pinecone.Fetch,
    pinecone.Upsert,
    tavily.Crawl,
    tavily.Extract,
    tavily.Map,
    tavily.Search,
    vector.VectorDelete,
    vector.VectorFetch,
    vector.VectorQuery,
    vector.VectorUpsert,
    web_search.WebSearch,
]


@pytest.mark.parametrize(
    ("power", "those"),
    [(Stubbed, STUBBED), (Conflicting, CONFLICTING), (Vetting, VETTING), (Replying, REPLYING)],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_powers_of_connector_classes(power: type, those: list[object]) -> None:
    """The powers of the class, which are used before anything is opened."""
    assert [each for each in CLASSES if isinstance(each, power)] == those


@pytest.mark.parametrize(("power", "those"), [(Triggered, TRIGGERED), (Healthy, HEALTHY)])
def test_powers_of_opened_connectors(power: type, those: list[type]) -> None:
    """The powers of the open connector."""
    assert [each for each in CLASSES if issubclass(each, power)] == those


@pytest.mark.parametrize(("power", "those"), [(Shaped, SHAPED), (Effectful, EFFECTFUL), (Repeating, REPEATING)])
def test_powers_of_settings(power: type, those: list[type]) -> None:
    """The powers of settings: every block says what it makes of a message, and calls say what effect they have."""
    # The model has it as a method or a property, so no instance is needed.
    found = [each.settings.__qualname__ for each in BLOCK_TYPES if isinstance(each.settings, power)]

    assert sorted(found) == sorted(each.__qualname__ for each in those)


def test_calls_to_the_outside_say_what_they_do_there() -> None:
    """`octo test --chaos` assumes that a call without a declared effect must happen once."""
    outside = {each.settings.__name__ for each in BLOCK_TYPES if each.calls_outside}

    assert outside <= {each.__name__ for each in EFFECTFUL}
