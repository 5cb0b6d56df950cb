"""The components Octo ships with. They are listed here, not discovered: nothing registers itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from octo import expr
from octo.core.plugins import Plugins
from octo.core.secrets import Store

CONNECTORS = {
    "amqp": "octo.connectors.amqp:Amqp",
    "brave": "octo.connectors.brave:Brave",
    "cron": "octo.connectors.cron:Cron",
    "database": "octo.connectors.database:Database",
    "events": "octo.connectors.events:Events",
    "http": "octo.connectors.http:Http",
    "http-client": "octo.connectors.http_client:HttpClient",
    "kafka": "octo.connectors.kafka:Kafka",
    "llm-anthropic": "octo.ai.llm.anthropic:Anthropic",
    "llm-gemini": "octo.ai.llm.gemini:Gemini",
    "llm-ollama": "octo.ai.llm.ollama:Ollama",
    "llm-openai": "octo.ai.llm.openai:OpenAI",
    "llm-openrouter": "octo.ai.llm.openrouter:OpenRouter",
    "logger": "octo.connectors.logger:Logger",
    "mcp-client": "octo.ai.mcp.client:McpClient",
    "mqtt": "octo.connectors.mqtt:Mqtt",
    "nats": "octo.connectors.nats:Nats",
    "pgvector": "octo.connectors.pgvector:Pgvector",
    "pinecone": "octo.connectors.pinecone:Pinecone",
    "qdrant": "octo.connectors.qdrant:Qdrant",
    "queue": "octo.connectors.queue:Queue",
    "redis": "octo.connectors.redis:Redis",
    "searxng": "octo.connectors.searxng:Searxng",
    "tavily": "octo.connectors.tavily:Tavily",
    "vector-sqlite": "octo.connectors.vector_sqlite:VectorSqlite",
}

BLOCKS = {
    "aggregate": "octo.blocks.aggregate:aggregate",
    "ai-agent": "octo.ai.agent:ai_agent",
    "ai-embed": "octo.ai.blocks.embed:ai_embed",
    "ai-mapping": "octo.ai.blocks.mapping:ai_mapping",
    "ai-prompt": "octo.ai.blocks.prompt:ai_prompt",
    "ai-retry": "octo.ai.blocks.retry:ai_retry",
    "ai-router": "octo.ai.blocks.router:ai_router",
    "amqp-publish": "octo.connectors.amqp:Amqp",
    "cache-scope": "octo.blocks.cache:cache_scope",
    "chunk": "octo.blocks.chunk:chunk",
    "circuit-breaker": "octo.blocks.circuit_breaker:circuit_breaker",
    "clear-agent-memory": "octo.ai.agent:clear_agent_memory",
    "delay": "octo.blocks.delay:delay",
    "delete-variable": "octo.blocks.set:delete_variable",
    "enrich": "octo.blocks.enrich:enrich",
    "filter": "octo.blocks.filter:filter_message",
    "flow-ref": "octo.blocks.flow_ref:flow_ref",
    "foreach": "octo.blocks.foreach:foreach",
    "fork": "octo.blocks.fork:fork",
    "handle-errors": "octo.blocks.handle_errors:handle_errors",
    "idempotent": "octo.blocks.idempotent:idempotent",
    "if": "octo.blocks.branch:if_",
    "invalidate-cache": "octo.blocks.cache:invalidate_cache",
    "jwt-validate": "octo.blocks.jwt_validate:jwt_validate",
    "kafka-publish": "octo.connectors.kafka:Kafka",
    "lock": "octo.blocks.lock:lock",
    "log": "octo.connectors.logger:Logger",
    "mcp-ask": "octo.ai.mcp.serving.ask:mcp_ask",
    "mcp-call": "octo.ai.mcp.client:McpClient",
    "mcp-progress": "octo.ai.mcp.serving.progress:mcp_progress",
    "mcp-prompt": "octo.ai.mcp.client:McpClient",
    "mcp-read": "octo.ai.mcp.client:McpClient",
    "mcp-router": "octo.ai.mcp.serving.router:mcp_router",
    "mqtt-publish": "octo.connectors.mqtt:Mqtt",
    "multi-transform": "octo.blocks.set:multi_transform",
    "nats-publish": "octo.connectors.nats:Nats",
    "nats-request": "octo.connectors.nats:Nats",
    "object-delete": "octo.blocks.objects:object_delete",
    "object-read": "octo.blocks.objects:object_read",
    "object-write": "octo.blocks.objects:object_write",
    "pinecone-delete": "octo.connectors.pinecone:Pinecone",
    "pinecone-fetch": "octo.connectors.pinecone:Pinecone",
    "pinecone-query": "octo.connectors.pinecone:Pinecone",
    "pinecone-upsert": "octo.connectors.pinecone:Pinecone",
    "publish-event": "octo.connectors.events:Events",
    "python": "octo.blocks.python:python",
    "queue-dispatch": "octo.connectors.queue:Queue",
    "read-agent-memory": "octo.ai.agent:read_agent_memory",
    "redis-command": "octo.connectors.redis:Redis",
    "redis-publish": "octo.connectors.redis:Redis",
    "redis-stream-add": "octo.connectors.redis:Redis",
    "rest": "octo.connectors.http_client:HttpClient",
    "rest-dynamic": "octo.connectors.http_client:HttpClient",
    "retry": "octo.blocks.retry:retry",
    "set-payload": "octo.blocks.set:set_payload",
    "set-variable": "octo.blocks.set:set_variable",
    "split": "octo.blocks.split:split",
    "sql": "octo.connectors.database:Database",
    "sse-event": "octo.connectors.http.sse:sse_event",
    "switch": "octo.blocks.branch:switch",
    "tavily-crawl": "octo.connectors.tavily:Tavily",
    "tavily-extract": "octo.connectors.tavily:Tavily",
    "tavily-map": "octo.connectors.tavily:Tavily",
    "tavily-search": "octo.connectors.tavily:Tavily",
    "template-resource": "octo.blocks.template:template_resource",
    "throttle": "octo.blocks.throttle:throttle",
    "timeout": "octo.blocks.timeout:timeout",
    "validate": "octo.blocks.validate:validate",
    "vector-delete": "octo.blocks.vector:vector_delete",
    "vector-fetch": "octo.blocks.vector:vector_fetch",
    "vector-query": "octo.blocks.vector:vector_query",
    "vector-upsert": "octo.blocks.vector:vector_upsert",
    "web-search": "octo.blocks.web_search:web_search",
}


def plugins() -> Plugins:
    """The built-in components, and those of installed packages.

    A package offers its components as entry points: `octo.connectors`, `octo.blocks`, and `octo.functions` for CEL
    functions.
    """
    expr.extra_functions(_functions)
    return Plugins(CONNECTORS, BLOCKS, more=installed, secrets=_secrets)


def installed() -> Plugins:
    """The components of installed packages alone."""
    from importlib.metadata import entry_points

    return Plugins(
        {point.name: point.value for point in entry_points(group="octo.connectors")},
        {point.name: point.value for point in entry_points(group="octo.blocks")},
    )


def _secrets(environ: Mapping[str, str]) -> Store | None:
    places = environ.get("OCTO_SERVICES", "")
    if not places:
        return None
    from octo.services.places import secrets

    return secrets(places, environ)


def _functions() -> dict[str, Callable[[], object]]:
    from importlib.metadata import entry_points

    return {point.name: point.load for point in entry_points(group="octo.functions")}
