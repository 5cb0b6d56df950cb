"""What people write in a configuration who know other systems, and the name that it has here: for hints."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from octo.expr import nearest

_BLOCKS: Final = {
    "set-payload": "set-body transform payload body assign map-payload set transformer respond response reply return",
    "set-variable": "variable set-var var let define",
    "rest": "http http-request request http-call fetch webhook api http-client get post",
    "sql": "query database db jdbc select insert statement",
    "log": "logger print echo console debug",
    "switch": "choice choose case router when branch",
    "if": "condition cond conditional",
    "foreach": "loop for each map iterate iterator while",
    "fork": "parallel scatter-gather scatter all concurrent multicast join",
    "handle-errors": "try catch try-catch on-error rescue error-handler error",
    "retry": "until-successful redelivery repeat",
    "delay": "sleep wait pause",
    "flow-ref": "call subflow sub-flow flow invoke run include goto",
    "python": "script code function exec java javascript groovy custom",
    "validate": "assert require check schema throw raise fail reject",
    "queue-dispatch": "queue send enqueue produce message dispatch",
    "template-resource": "template render html",
    "enrich": "enricher wiretap",
    "sse-event": "sse stream",
    "filter": "drop stop skip",
    "split": "splitter spread",
    "aggregate": "aggregator collect batch window",
    "throttle": "rate-limit ratelimit rate-limiter limit",
    "circuit-breaker": "breaker circuitbreaker",
    "cache-scope": "cache cached memoize",
    "idempotent": "idempotency dedupe deduplicate once idempotency-key",
    "lock": "mutex synchronized exclusive",
    "object-write": "store object-store put save",
    "object-read": "retrieve load lookup",
    "object-delete": "forget evict",
    "publish-event": "publish emit event broadcast notify",
    "amqp-publish": "rabbitmq-publish rabbit-publish amqp-send basic-publish",
    "kafka-publish": "kafka-send kafka-produce kafka-producer",
    "mqtt-publish": "mqtt-send",
    "redis-command": "redis-get redis-set redis-del redis-incr valkey-command",
    "redis-stream-add": "redis-xadd xadd",
    "ai-agent": "agent llm-agent tools-agent assistant",
    "ai-prompt": "prompt llm ai chat ai-chat chat-model completion chat-completion generate openai claude gpt",
    "ai-mapping": "extract ai-extract extractor information-extractor structured-output ai-transform",
    "ai-router": "classify ai-classify classifier text-classifier intent ai-switch",
    "ai-embed": "embed embedding embeddings vectorize",
    "chunk": "chunker text-splitter split-text",
    "vector-query": "vector-search similarity-search semantic-search retriever retrieval",
    "vector-upsert": "vector-insert vector-add vector-store",
    "mcp-call": "mcp mcp-client mcp-tool tool tool-call call-tool",
    "mcp-router": "mcp-server",
    "read-agent-memory": "memory agent-memory chat-memory",
    "web-search": "search google-search tavily brave searxng",
}
_CONNECTORS: Final = {
    "database": "postgres postgresql mysql mariadb sqlite sql db jdbc",
    "http-client": "rest client api request rest-client http-request",
    "http": "server webhook http-server listener rest-server",
    "cron": "schedule scheduler timer interval",
    "logger": "log logging",
    "amqp": "rabbitmq rabbit lavinmq",
    "kafka": "redpanda",
    "mqtt": "mosquitto",
    "nats": "jetstream",
    "redis": "valkey keydb",
    "llm-anthropic": "anthropic claude",
    "llm-gemini": "gemini google google-ai vertex vertex-ai",
    "llm-ollama": "ollama llama",
    "llm-openai": "openai gpt chatgpt vllm llama-cpp lm-studio litellm",
    "llm-openrouter": "openrouter",
    "mcp-client": "mcp mcp-server",
    "vector-sqlite": "vector vector-store vectors chroma faiss sqlite-vec",
    "tavily": "web-search",
}
_SOURCES: Final = {
    "http": "webhook api rest server request",
    "cron": "schedule scheduler timer interval every",
    "static": "files",
    "events": "event subscribe subscriber topic",
    "amqp": "rabbitmq rabbit amqp-consume",
    "kafka": "kafka-consumer kafka-consume redpanda",
    "mqtt": "mqtt-subscribe mosquitto",
    "nats": "nats-subscribe",
    "nats-jetstream": "jetstream nats-stream",
    "redis-stream": "redis valkey redis-xread xread stream",
    "redis-subscribe": "redis-pubsub",
}
_KEYS: Final = {
    "condition": "expr when if test predicate",
    "when": "condition expr if case",
    "expr": "condition when if predicate",
    "else": "otherwise",
    "default": "else otherwise",
    "then": "process do",
    "items": "in over list each collection",
    "body": "do process steps chain data payload json response value",
    "process": "steps do body chain blocks pipeline actions tasks",
    "value": "expr expression payload body text",
    "message": "text msg expr value",
    "for": "duration delay time seconds",
    "after": "timeout duration limit in",
    "maxAttempts": "attempts max retries times count tries maxRetries maxDeliver maxDeliveries redeliveries",
    "minBackoff": "delay backoff interval wait initialDelay pause",
    "args": "params parameters arguments values bind",
    "with": "args params parameters arguments input",
    "query": "sql statement params parameters",
    "path": "url uri endpoint route",
    "baseURL": "url uri host endpoint address server",
    "methods": "method verbs verb",
    "schedule": "cron every interval expression",
    "flow": "target call",
    "call": "function module handler script",
    "subject": "queue topic channel",
    "id": "template file",
    "dsn": "url uri connectionString connection",
    "join": "merge gather",
    "rules": "checks conditions",
    "contentType": "mime mimeType mediaType",
    "source": "trigger from listener",
    "error": "onError catch errors onerror on_error errorHandler",
    "connectors": "connections clients",
    "flows": "routes pipelines workflows",
    "env": "environment variables parameters",
    "settings": "config options with configuration",
    "folder": "dir directory root",
    "auth": "token credentials bearer apiKey",
    "retry": "retries",
    "tls": "verify ssl insecure",
    "setVars": "target variables",
    "data": "body payload json message",
    "json": "body data payload",
    "reply": "response status headers",
    "cases": "tests scenarios examples",
    "answers": "responses replies",
    "brokers": "bootstrapServers bootstrap servers hosts host url broker",
    "user": "username login",
    "username": "user login",
    "url": "host hostname port uri address addr server servers broker brokers user username password db database",
    "group": "groupId groupID consumerGroup",
    "durable": "consumer consumerName durableName",
    "queue": "queueGroup group",
    "prefetch": "prefetchCount concurrency",
    "listeners": "concurrency workers consumers parallelism maxInFlight",
    "lease": "visibilityTimeout ackWait minIdleTime",
    "offsetReset": "autoOffsetReset",
    "sessionExpiry": "cleanSession cleanStart",
    "sasl": "security",
    "type": "exchangeType",
    "as": "target into result resultVar",
    "resultVar": "as target into result",
    "prompt": "system systemPrompt systemMessage system_prompt instructions instruction task",
    "input": "messages userPrompt userMessage user question text",
    "outputSchema": "schema responseFormat response_format outputParser jsonSchema",
    "inputSchema": "parameters schema args arguments input",
    "maxIterations": "maxSteps maxTurns max_turns maxRounds",
    "memoryThreadId": "memory threadId thread_id sessionId conversationId conversation session",
    "mcp": "mcpServers mcp_servers servers",
    "maxTokens": "maxOutputTokens max_output_tokens max_completion_tokens",
    "tokens": "maxTokens max_tokens",
    "money": "cost maxCost usd dollars price",
    "seconds": "time timeout duration",
    "apiKey": "key token secret",
    "model": "modelName modelId model_name deployment",
    "resource": "file path template",
    "replies": "reply answers responses",
    "arguments": "args params parameters",
}
_ADDRESS: Final = ("baseURL", "baseUrl", "base_url", "url")
_DEAD: Final = ("dlq", "dlx", "deadLetterQueue", "onFailure")
_ACKNOWLEDGED: Final = ("ack", "autoAck", "noAck", "ackMode", "autoCommit", "manualAck")
_OF_MODELS: Final = ("model", "temperature", "topP", "thinking", "reasoning", "apiKey")
_STATUS: Final = ("status", "statusCode", "httpStatus", "code")


def block(name: str, known: Collection[str]) -> str | None:
    """The type of block that was meant by another name; None if nothing comes to mind."""
    return _meant(_BLOCKS, name, known)


def connector(name: str, known: Collection[str]) -> str | None:
    """The type of connector that was meant by another name; None if nothing comes to mind."""
    return _meant(_CONNECTORS, name, known)


def source(name: str, known: Collection[str]) -> str | None:
    """The type of source that was meant by another name; None if nothing comes to mind."""
    return _meant(_SOURCES, name, known)


def anything(name: str, known: Collection[str]) -> str | None:
    """The component that has another name elsewhere; None if nothing comes to mind."""
    word = name.lower().replace("_", "-")
    tables = (_CONNECTORS, _SOURCES, _BLOCKS)
    found = (here for table in tables for here, words in table.items() if word in words.split() and here in known)
    return next(found, None)


def _meant(table: Mapping[str, str], name: str, known: Collection[str]) -> str | None:
    word = name.lower().replace("_", "-")
    here = next((here for here, words in table.items() if word in words.split() and here in known), None)
    return here or nearest(name, known)


def key(word: str, known: Collection[str]) -> str | None:
    """The one of the known keys that was meant by another; None if nothing comes to mind."""
    if any(each.lower() == word.lower() for each in known):
        return nearest(word, known)
    meant = (here for here, words in _KEYS.items() if here in known and word in words.split())
    return next(meant, None) or nearest(word, known)


def about(word: str, known: Collection[str]) -> str:
    """What to say about a key that is not here because it is done otherwise; "" if nothing comes to mind."""
    if word in _STATUS and {"rawBody", "contentType"} <= set(known):
        return "the status of an HTTP response is the variable `httpStatus`: set it with `set-variable`"
    if word in _DEAD and "maxAttempts" in known:
        return "what fails for good goes where `deadLetter:` of the flow says"
    if word in _ACKNOWLEDGED and "maxAttempts" in known:
        return "a message is acknowledged once its flow has finished; `durability: memory` of the flow does it before"
    if word in _ADDRESS and {"basePath", "port"} <= set(known):
        return "`http` is a server; what calls others is an `http-client`"
    if word in _OF_MODELS and {"prompt", "detailsVar"} <= set(known):
        return f"`{word}` is a setting of the connector"
    return ""
