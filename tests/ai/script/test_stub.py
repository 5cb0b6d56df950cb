"""Scripts and cassettes of models in `octo test`: recorded from a provider, replayed without it, compared with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

import pytest

from octo import Expr, Message, Secret, Settings, block, connector
from octo.ai.conversation import Ask, Reply, Tool, ToolCall, Usage, User
from octo.ai.model import Embedded, Wire
from octo.ai.script.settings import Script
from octo.ai.script.stub import scripted
from octo.builtin import plugins as builtin_plugins
from octo.config.load import load
from octo.core.plugins import Plugins
from octo.suite import Cassettes, Configs, plan, run_case
from octo.suite.drift import drift

KEY = "sk-canary-of-a-provider-4711"


class Provider:
    """A provider. says: its replies, the last for ever. asked: what it was asked."""

    model = "big"
    max_tokens = None

    def __init__(self) -> None:
        self.says = [Reply("hello", usage=Usage(3, 1), model="big-2026")]
        self.asked = []
        self.opened = 0

    async def send(self, ask, hear) -> Reply:
        self.asked.append(ask)
        return self.says.pop(0) if len(self.says) > 1 else self.says[0]

    async def embed(self, texts, model, dimensions) -> Embedded:
        self.asked.append(texts)
        return Embedded(tuple((0.25, float(len(each))) for each in texts), Usage(2))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Wire]:
        self.opened += 1
        yield self


provider = Provider()


class Login(Settings):
    api_key: Secret


class Question(Settings):
    text: Expr[str]
    """What to ask."""


@connector("llm-test", family="llm")
class Llm:
    """A model."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: Login) -> AsyncIterator[Self]:
        del settings
        async with provider.open() as wire:
            yield cls(wire)

    @classmethod
    @asynccontextmanager
    async def stub(cls, settings: Login, stub: Script) -> AsyncIterator[Self]:
        del settings
        async with scripted(stub, "big", None, provider.open) as wire:
            yield cls(wire)

    @block("ask-test", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def ask(self, settings: Question, message: Message) -> Message:
        """Ask the model."""
        reply = await self.wire.send(
            Ask("Be kind.", (User(settings.text(message)),), (Tool("look", "d", {"type": "object"}),)), None
        )
        return message.with_body({"text": reply.text, "calls": [each.name for each in reply.calls]})

    @block("embed-test", guarantee="answered", steps=("send", "confirm"), idempotent="always")
    async def embed(self, settings: Question, message: Message) -> Message:
        """Embed a text."""
        found = await self.wire.embed([settings.text(message)], "vectors", 2)
        return message.with_body([list(each) for each in found.vectors])


FLOWS = """
env: [{name: LLM_KEY, secret: true, required: true}]
connectors: [{name: llm, type: llm-test, settings: {apiKey: "${LLM_KEY}"}}]
flows:
  - name: f
    process: [{type: ask-test, name: ask, settings: {connector: llm, text: body}}]
  - name: guarded
    process:
      - type: handle-errors
        process: [{type: ask-test, settings: {connector: llm, text: body}}]
        error: [{type: set-payload, settings: {value: '"sorry"'}}]
  - name: embed
    process: [{type: embed-test, settings: {connector: llm, text: body}}]
"""

TAPED = """
flow: f
env: {LLM_KEY: a-key-for-tests}
stubs: {llm: {cassette: llm.yaml}}
cases: [{name: a, input: {data: hi}, expect: {body: {text: hello, calls: []}}}]
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the cases of a test file; returns their first mismatches, and the cassettes."""
    known = builtin_plugins().joined(Plugins.of([Llm]))
    (tmp_path / "f.yaml").write_text(FLOWS)
    provider.__init__()

    def made(text, mode="replay"):
        (tmp_path / "f_test.yaml").write_text(text)
        monkeypatch.setenv("LLM_KEY", KEY)
        configs, cassettes = Configs(lambda path, environ: load(path, known, environ)), Cassettes(mode)
        planned = plan([tmp_path / "f_test.yaml"], configs, cassettes=cassettes)
        return [run_case(case, configs).summary for case in planned.cases], cassettes

    return made


def scripted_case(replies, expect="{}", flow="f"):
    return f"""
flow: {flow}
env: {{LLM_KEY: k}}
stubs: {{llm: {{replies: {replies}}}}}
cases: [{{name: a, input: {{data: hi}}, expect: {expect}}}]
"""


def test_a_script_answers_without_the_provider(run):
    found, _ = run(scripted_case("[{text: good day}]", "{body: {text: good day, calls: []}}"))

    assert (found, provider.opened) == ([""], 0)


def test_a_case_fails_with_what_the_script_complains_of_even_if_the_flow_hides_it(run):
    found, _ = run(scripted_case('[{that: ["request.turn == 5"], text: a}]', "{body: sorry}", "guarded"))

    assert found == ['stub llm: reply 1 ("a") wants `request.turn == 5`, which is false; request.turn is 0']
    assert run(scripted_case("[{text: a}, {text: b}]"))[0] == ['stub llm: reply 2 ("b") was not asked for']


def test_a_wrong_script_is_refused_with_its_place(run):
    from octo.core.errors import ConfigError

    with pytest.raises(ConfigError) as caught:
        run(scripted_case("[{txt: a}]"))

    assert "f_test.yaml:4:26" in str(caught.value)
    assert "did you mean `text`?" in str(caught.value)


def test_what_a_model_said_is_recorded_and_replayed(run, tmp_path):
    provider.says = [Reply("hello", (ToolCall("t1", "look", {"a": 1}),), "tool_use", Usage(3, 1), "big-2026")]
    text = TAPED.replace("calls: []", "calls: [look]")
    found, cassettes = run(text, "record")
    cassettes.save()

    assert (found, run(text)[0], len(provider.asked)) == ([""], [""], 1)
    assert (
        (tmp_path / "llm.yaml").read_text()
        == """\
# Recorded by `octo test --record`; secrets are masked. See docs/cassettes.md.
cassette: 1
of: llm-test
exchanges:
  - request:
      model: big
      system: Be kind.
      messages:
        - role: user
          text: hi
      tools:
        - name: look
          description: d
          input:
            type: object
    reply:
      text: hello
      calls:
        - id: t1
          tool: look
          arguments:
            a: 1
      stop: tool_use
      model: big-2026
      usage:
        inputTokens: 3
        outputTokens: 1
"""
    )


def test_a_secret_in_a_prompt_is_not_recorded_and_fits_any_other(run, tmp_path):
    text = TAPED.replace("{data: hi}", "{data: the key is KEY}")
    provider.says = [Reply("hello")]
    _, cassettes = run(text.replace("KEY", KEY), "record")
    cassettes.save()

    assert KEY not in (tmp_path / "llm.yaml").read_text()
    assert run(text.replace("is KEY", "is another"))[0] == [""]


def test_drift_shows_what_a_model_says_now(run):
    _, cassettes = run(TAPED, "record")
    cassettes.save()
    provider.says = [Reply("good day", (), "max_tokens", Usage(3, 9), "big-2026")]

    found, cassettes = run(TAPED, "drift")

    assert found == [""]  # the flow goes on with what was recorded, so that later requests can be compared
    assert [each.text for each in drift(cassettes).lines][1:] == [
        '  exchange 1, big, "hi" (turn 1)',
        '      text: was "hello", is "good day"',
        '      stop: was "end_turn", is "max_tokens"',
        "      usage.outputTokens: was 1, is 9",
    ]


def test_another_prompt_names_what_differs(run):
    _, cassettes = run(TAPED, "record")
    cassettes.save()

    found, _ = run(TAPED.replace("data: hi", "data: ho"))

    assert (
        'has no reply to big, "ho" (turn 1); the nearest is exchange 1 (big, "hi" (turn 1)), which differs in'
        in found[0]
    )
    assert 'messages[0].text: recorded "hi", asked "ho"' in found[0]


def test_vectors_are_recorded_too(run):
    text = TAPED.replace("flow: f", "flow: embed").replace("{text: hello, calls: []}", "[[0.25, 2.0]]")
    found, cassettes = run(text, "record")
    cassettes.save()

    assert (found, run(text)[0], len(provider.asked)) == ([""], [""], 1)


def test_a_script_wins_over_a_cassette(run):
    text = TAPED.replace("cassette: llm.yaml", 'cassette: llm.yaml, replies: [{when: "false"}, {text: hello}]')

    assert (run(text, "record")[0], provider.asked) == ([""], [])
