"""The stub of every connector of the family `llm`: a script or a cassette, with the connector's limits and retries."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from octo.ai.conversation import Ask, Results, Tool, ToolResult, User
from octo.ai.script.form import FORM
from octo.ai.script.settings import Script
from octo.builtin import plugins
from octo.config.load import load
from octo.config.report import Report
from octo.core.cassette import Cassette
from octo.core.errors import Overloaded, Position
from octo.suite import Cassettes, Configs, plan, run_case
from octo.suite.cassettes import rendered
from octo.suite.drift import drift
from octo.testing.clock import virtual
from tests.ai.standins.server import Call, Says

SETTINGS = {
    "llm-anthropic": {"apiKey": "sk-none-at-all"},
    "llm-gemini": {"apiKey": "sk-none-at-all"},
    "llm-ollama": {"model": "llama3.2"},
    "llm-openai": {"apiKey": "sk-none-at-all"},
    "llm-openrouter": {"apiKey": "sk-none-at-all"},
}
KEY = "sk-canary-of-a-provider-4711"


def opened(name, script, **settings):
    type_ = plugins().connector(name)
    given = type_.settings.model_validate({**SETTINGS[name], **settings})
    return type_.stub.function(type_.cls, given, Script.model_validate(script))


@virtual()
@pytest.mark.parametrize("name", SETTINGS)
async def test_a_script_is_the_model_of_every_connector(name):
    """What a provider says it has no room for is tried again after its pause."""
    script = {"replies": [{"error": {"status": 429, "retryAfter": "7s"}}, {"text": "yes"}]}
    async with opened(name, script) as model:
        reply = await model.ask(Ask("", (User("hello"),)))
        vectors = (await model.embed(["a", "b"], "v", 8)).vectors

    assert (reply.text, [len(each) for each in vectors]) == ("yes", [8, 8])
    assert asyncio.get_running_loop().time() >= 7


@virtual()
async def test_retries_end_and_prices_and_limits_are_the_connectors():
    failing = {"error": {"status": 529}}
    script = {"replies": [failing, failing, {"text": "x", "usage": {"inputTokens": 1_000_000, "outputTokens": 0}}]}
    async with opened("llm-ollama", script, retries=1, prices={"input": 3, "output": 4}) as model:
        with pytest.raises(Overloaded, match="llm-ollama complete: the provider returned 529"):
            await model.ask(Ask("", (User("hello"),)))
        reply = await model.ask(Ask("", (User("hello"),)))

    assert reply.usage.money == 3.0


# --- a cassette, from a real server to none ----------------------------------------------------------------------

FLOWS = """
env:
  - {name: URL, default: "http://127.0.0.1:1/v1"}
  - {name: LLM_KEY, secret: true, required: true}
connectors: [{name: llm, type: llm-openai, settings: {apiKey: "${LLM_KEY}", baseURL: "${URL}", retries: 0}}]
flows:
  - name: f
    process: [{type: ai-prompt, connector: llm, settings: {prompt: body}}]
"""
TESTS = """
flow: f
env: {LLM_KEY: a-key-for-tests}
stubs: {llm: {cassette: llm.yaml}}
cases: [{name: a, input: {data: hi}, expect: {body: hello}}]
"""


class OpenAI(BaseHTTPRequestHandler):
    """The API of OpenAI, as far as a plain question needs it."""

    def do_POST(self) -> None:
        self.server.heads.append(dict(self.headers))
        self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        message = {"role": "assistant", "content": self.server.says}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        told = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt",
            "choices": [choice],
            "usage": usage,
        }
        data = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), OpenAI)
    server.says, server.asked, server.heads = "hello", [], []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("URL", f"http://127.0.0.1:{server.server_address[1]}/v1")
    monkeypatch.setenv("LLM_KEY", KEY)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_real_provider_is_recorded_replayed_and_compared(server, tmp_path, monkeypatch):
    (tmp_path / "f.yaml").write_text(FLOWS)
    (tmp_path / "f_test.yaml").write_text(TESTS)

    def run(mode):
        cassettes = Cassettes(mode)
        configs = Configs(lambda path, environ: load(path, plugins(), environ))
        cases = plan([tmp_path / "f_test.yaml"], configs, cassettes=cassettes).cases
        return [run_case(case, configs).summary for case in cases], cassettes

    found, cassettes = run("record")
    cassettes.save()
    server.says = "good day"
    changed = drift(run("drift")[1]).lines
    monkeypatch.delenv("URL")
    monkeypatch.delenv("LLM_KEY")

    assert (found, run("replay")[0]) == ([""], [""])
    assert len(server.asked) == 2
    assert f"Bearer {KEY}" in server.heads[0].values()
    assert KEY not in (tmp_path / "llm.yaml").read_text()
    assert '      text: was "hello", is "good day"' in [each.text for each in changed]


# --- a conversation with tools, at the port of every provider ----------------------------------------------------

LOOK = Tool("look", "Looks something up.", {"type": "object", "properties": {"id": {"type": "integer"}}})


@asynccontextmanager
async def taped(provider, standin, cassette):
    """The stub of a provider's connector with a cassette; standin: None where nothing may be called."""
    script = Script.model_validate({"cassette": "c.yaml"})
    script.insert(cassette)
    url = "http://127.0.0.1:1" if standin is None else standin.base_url
    given = {"apiKey": "sk-test-0123456789", "baseURL": url, "retries": 0, **provider.settings}
    settings = provider.cls.__octo_connector__.settings.model_validate(given)
    async with provider.cls.stub(settings, script) as model:
        yield model


async def conversation(model, *, streaming=False):
    """Ask, have a tool called, and tell its result: both replies, and the text that was heard."""
    heard = []

    async def hear(piece):
        if piece.kind == "text":
            heard.append(piece.text)

    ask = Ask("Be kind.", (User("Where is order 7?"),), (LOOK,))
    first = await model.ask(ask, hear if streaming else None)
    results = Results(tuple(ToolResult(each.id, each.name, '{"state":"sent"}') for each in first.calls))
    second = await model.ask(ask._replace(turns=(*ask.turns, first.turn, results)), hear if streaming else None)
    return [first, second], "".join(heard)


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_conversation_is_recorded_replayed_and_compared(provider, standin, tmp_path, streaming):
    """What a provider needs to get back, such as signed thoughts, is on the cassette; its ids are not in requests."""
    standin.script = [Says("Let me see.", (Call("look", '{"id": 7}', "call_a"),)), Says("It was sent.")]
    file = tmp_path / "c.yaml"
    recorded = Cassette(file, FORM, mode="record")
    async with taped(provider, standin, recorded) as model:
        said, heard = await conversation(model, streaming=streaming)
    file.write_text(rendered(provider.name, recorded.exchanges))

    def read(mode):
        report = Report()
        found = Cassettes(mode).find(file, provider.name, FORM, Position("t", 1, 1), report)
        assert report.problems == []
        return found

    async with taped(provider, None, read("replay")) as model:
        again, heard_again = await conversation(model, streaming=streaming)
    standin.script = [Says("Let me see.", (Call("look", '{"id": 7}', "call_b"),)), Says("It was lost.")]
    compared = read("drift")
    async with taped(provider, standin, compared) as model:
        await conversation(model, streaming=streaming)

    assert (again, heard_again) == (said, heard)
    assert [each.text for each in said] == ["Let me see.", "It was sent."]
    assert (len(standin.requests), standin.refused) == (4, [])
    told = [each.text for each in drift([compared]).lines]
    assert [each for each in told if "was " in each] == ['      text: was "It was sent.", is "It was lost."']
    assert not any("not recorded" in each for each in told)
