"""Where connectors connect to, and where they listen."""

from __future__ import annotations

import json

import pytest

from octo.builtin import plugins as builtin
from octo.config.facts import facts

BUILTIN = builtin()


@pytest.fixture
def told(tmp_path):
    def read(type_: str, settings: str, env: str = "[]"):
        path = tmp_path / "flow.yaml"
        path.write_text(f"env: {env}\nconnectors: [{{name: c, type: {type_}, settings: {settings}}}]\n")
        found = facts(path, BUILTIN).as_json()
        assert found["problems"] == []
        return json.loads(json.dumps(found))

    return read


KEY = "apiKey: '${KEY}'"


@pytest.mark.parametrize(
    ("type_", "settings", "found"),
    [
        ("http-client", "{baseURL: 'https://a.example/v1'}", ["baseURL https a.example 443"]),
        (
            "http-client",
            "{baseURL: 'http://a.example:8080', proxy: {url: 'http://proxy:3128'}}",
            ["baseURL http a.example 8080", "proxy.url http proxy 3128"],
        ),
        ("database", "{driver: postgres, dsn: 'postgres://u:p@db/shop'}", ["dsn postgres db 5432"]),
        ("database", "{driver: postgres, dsn: 'host=db port=6000 user=u'}", ["dsn postgres db 6000"]),
        ("database", "{driver: mysql, dsn: 'mysql://u:p@db/shop'}", ["dsn mysql db 3306"]),
        ("database", "{driver: sqlite, dsn: shop.db}", []),
        ("database", "{driver: sqlite, dsn: '${KEY}'}", []),
        ("amqp", "{url: 'amqps://u:p@mq/shop'}", ["url amqps mq 5671"]),
        ("kafka", "{brokers: ['a:9092', 'b:9093']}", ["brokers[0] kafka a 9092", "brokers[1] kafka b 9093"]),
        ("mqtt", "{}", ["url mqtt localhost 1883"]),
        ("mqtt", "{url: 'mqtts://mq'}", ["url mqtts mq 8883"]),
        ("nats", "{url: 'nats://a:1,tls://b'}", ["url nats a 1", "url tls b 4222"]),
        ("redis", "{}", ["url redis localhost 6379"]),
        ("redis", "{url: 'rediss://:p@cache:6380/1'}", ["url rediss cache 6380"]),
        ("pgvector", "{dsn: 'postgres://u:p@db/v', dimension: 3}", ["dsn postgres db 5432"]),
        ("pgvector", "{dsn: 'postgres://u:p@db/v', dimension: '${KEY}'}", ["dsn postgres db 5432"]),
        ("qdrant", "{collection: a, dimension: 3}", ["url http localhost 6333"]),
        ("pinecone", f"{{index: a, {KEY}}}", ["controlURL https api.pinecone.io 443"]),
        ("pinecone", f"{{index: a, {KEY}, host: a.svc.pinecone.io}}", ["host https a.svc.pinecone.io 443"]),
        ("llm-anthropic", f"{{{KEY}}}", ["baseURL https api.anthropic.com 443"]),
        ("llm-gemini", f"{{{KEY}}}", ["baseURL https generativelanguage.googleapis.com 443"]),
        ("llm-openai", f"{{{KEY}}}", ["baseURL https api.openai.com 443"]),
        ("llm-openai", f"{{{KEY}, baseURL: 'http://vllm:8000/v1'}}", ["baseURL http vllm 8000"]),
        (
            "llm-openai",
            f"{{{KEY}, proxy: 'http://u:p@proxy:3128'}}",
            ["baseURL https api.openai.com 443", "proxy http proxy 3128"],
        ),
        ("llm-openrouter", f"{{{KEY}}}", ["baseURL https openrouter.ai 443"]),
        ("llm-ollama", "{model: a}", ["baseURL http localhost 11434"]),
        ("mcp-client", "{command: uvx}", []),
        (
            "mcp-client",
            "{url: 'https://a.example/mcp', oauth: {issuer: 'https://b.example', clientID: a, clientSecret: '${KEY}'}}",
            ["url https a.example 443", "oauth.issuer https b.example 443"],
        ),
        ("brave", f"{{{KEY}}}", ["baseURL https api.search.brave.com 443"]),
        ("tavily", f"{{{KEY}}}", ["baseURL https api.tavily.com 443"]),
        ("searxng", "{url: 'http://searxng:8080'}", ["url http searxng 8080"]),
        ("cron", "{}", []),
        ("vector-sqlite", "{path: a.db, dimension: 3}", []),
    ],
)
def test_where_a_connector_connects_to(told, type_: str, settings: str, found: list[str]):
    reaches = told(type_, settings, "[{name: KEY, secret: true}]")["reaches"]

    assert [f"{each['setting']} {each['scheme']} {each['host']} {each['port']}" for each in reaches] == found


def test_a_default_of_a_variable_is_where_it_leads(told):
    """Declared, or of the reference; a variable without one leaves it open."""
    env = "[{name: A, default: a.example}, {name: B}, {name: C, default: ''}]"

    def host(url: str):
        (found,) = told("http-client", f"{{baseURL: '{url}'}}", env)["reaches"]
        return found["host"], found["port"], found["variables"]

    assert host("https://${A}/v1") == ("a.example", 443, ["A"])
    assert host("https://${B:-b.example:81}/v1") == ("b.example", 81, ["B"])
    assert host("https://${B}/${A}") == (None, None, ["B", "A"])
    assert host("${B}") == (None, None, ["B"])


def test_an_empty_variable_means_the_usual_address(told):
    (found,) = told("llm-openai", "{apiKey: k, baseURL: '${A}'}", "[{name: A, default: ''}]")["reaches"]

    assert found["host"] == "api.openai.com"


@pytest.mark.parametrize(
    ("settings", "port", "variable", "default", "host"),
    [
        ("{}", "${HTTP_PORT}", "HTTP_PORT", 8080, "0.0.0.0"),
        ("{port: 81, host: 127.0.0.1}", 81, None, None, "127.0.0.1"),
        ("{port: '${A}', host: '${B}'}", "${A}", "A", None, None),
        ("{port: '${A:-82}'}", "${A:-82}", "A", 82, "0.0.0.0"),
        ("{port: '83'}", 83, None, None, "0.0.0.0"),
    ],
)
def test_where_a_server_listens(told, settings: str, port, variable, default, host):
    (found,) = told("http", settings, "[{name: A}, {name: B}]")["listens"]

    assert found == {"connector": "c", "port": port, "variable": variable, "default": default, "host": host}
