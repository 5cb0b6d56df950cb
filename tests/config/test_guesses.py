"""Who writes what another system has is told what it is called here."""

import pytest

from octo.builtin import BLOCKS, CONNECTORS, plugins
from octo.config import guesses


@pytest.mark.parametrize(
    ("word", "here"),
    [
        ("transform", "set-payload"),
        ("http_request", "rest"),
        ("try", "handle-errors"),
        ("forech", "foreach"),
        ("agent", "ai-agent"),
        ("chat", "ai-prompt"),
    ],
)
def test_types_of_blocks(word, here):
    assert guesses.block(word, ["set-payload", "rest", "handle-errors", "foreach", "ai-agent", "ai-prompt"]) == here


def test_a_type_that_is_not_here_is_not_guessed():
    assert guesses.block("publish", ["set-payload"]) is None


@pytest.mark.parametrize(
    ("word", "known", "here"),
    [
        ("when", ["condition", "then", "else"], "condition"),  # and not `then`, which is spelt more like it
        ("url", ["path", "urlVar"], "path"),
        ("params", ["query", "args"], "args"),
        ("params", ["query", "path"], "query"),
        ("maxattempts", ["maxAttempts", "minBackoff"], "maxAttempts"),
        ("attempts", ["maxAttempts"], "maxAttempts"),
        ("services", ["service", "connectors"], "service"),
        ("host", ["url", "tls", "timeout"], "url"),
        ("user", ["url", "username", "password"], "username"),
        ("bootstrapServers", ["brokers", "tls", "sasl"], "brokers"),
        ("consumerGroup", ["stream", "group", "key"], "group"),
        ("exchangeType", ["exchange", "routingKey", "type"], "type"),  # and not `exchange`
        ("value", ["topic", "key", "body"], "body"),
        ("maxRetries", ["subject", "maxAttempts"], "maxAttempts"),
        ("systemPrompt", ["prompt", "input"], "prompt"),
        ("memory", ["memoryThreadId", "memoryTTL"], "memoryThreadId"),
        ("max_tokens", ["money", "tokens", "calls"], "tokens"),
        ("parameters", ["name", "description", "inputSchema", "process"], "inputSchema"),
        ("key", ["apiKey", "model"], "apiKey"),
        ("answers", ["cassette", "replies"], "replies"),
        ("zebra", ["path", "query"], None),
    ],
)
def test_keys(word, known, here):
    assert guesses.key(word, known) == here


@pytest.mark.parametrize(
    ("guess", "word", "here"),
    [
        (guesses.connector, "postgres", "database"),
        (guesses.connector, "rest", "http-client"),
        (guesses.connector, "htp", "http"),
        (guesses.connector, "claude", "llm-anthropic"),
        (guesses.connector, "openai", "llm-openai"),
        (guesses.source, "timer", "cron"),
        (guesses.source, "webhook", "http"),
    ],
)
def test_types_of_connectors_and_sources(guess, word, here):
    assert guess(word, ["database", "http-client", "http", "cron", "llm-anthropic", "llm-openai"]) == here


def test_what_is_done_otherwise():
    assert "`httpStatus`" in guesses.about("status", ["value", "rawBody", "contentType"])
    assert "of the connector" in guesses.about("model", ["prompt", "input", "detailsVar"])
    assert "`http-client`" in guesses.about("baseURL", ["basePath", "port"])
    assert "`durability: memory` of the flow" in guesses.about("autoAck", ["queue", "maxAttempts"])
    assert "`deadLetter:` of the flow" in guesses.about("dlq", ["subject", "maxAttempts"])
    assert guesses.about("zebra", ["value"]) == ""


def test_every_name_that_is_guessed_exists():
    """Otherwise a hint is lost without a word when a block is renamed."""
    known = plugins()
    names = {*guesses._BLOCKS}, {*guesses._CONNECTORS}, {*guesses._SOURCES}

    assert names[0] <= {*BLOCKS}
    assert names[1] <= {*CONNECTORS}
    assert names[2] <= {source for name in CONNECTORS for source in known.connector(name).sources}
