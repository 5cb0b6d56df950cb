"""What each provider is sent, field by field; the stand-ins refuse what the real APIs would."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from octo.ai.conversation import Ask, Assistant, Attachment, Results, Tool, ToolCall, ToolResult, Turn, User
from octo.core.errors import Permanent
from tests.ai.conftest import ANTHROPIC, GEMINI, OLLAMA, OPENAI, OPENROUTER, RESPONSES
from tests.ai.standins.gemini import DUMMY, camel
from tests.ai.standins.server import Says

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string", "minLength": 1}, "deep": {"anyOf": [{"type": "null"}, {"const": 3}]}},
    "required": ["id"],
}
OF_GEMINI = {
    **SCHEMA,
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "deep": {"anyOf": [{"type": "null"}, {"type": "integer", "enum": [3]}]},
    },
}
"""In words that Gemini knows: it refuses `const`."""
LOOKUP = Tool("lookup", "Find an order.", SCHEMA)
PING = Tool("ping", "", {"type": "object"})
TURNS = (
    User("Where is A?"),
    Assistant("I look.", (ToolCall("c1", "lookup", {"id": "A"}), ToolCall("c2", "lookup", {"id": "Ü"}))),
    Results((ToolResult("c1", "lookup", '{"state":"sent"}'), ToolResult("c2", "lookup", "not there", is_error=True))),
    Assistant("A was sent."),
    User("And now?"),
)
PNG = base64.b64encode(b"\x89PNG").decode()
PDF = base64.b64encode(b"%PDF").decode()


def messages(body: dict[str, Any]) -> list[Any]:
    return body["messages"]


async def sent(provider, standin, ask: Ask, **settings: Any) -> dict[str, Any]:
    """The body of the request."""
    async with provider.over(standin, **settings) as model:
        await model.ask(ask)
    assert standin.refused == []
    (request,) = standin.requests
    return camel(request.body) if provider is GEMINI else request.body


CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is A?"},
    {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "lookup", "arguments": '{"id":"A"}'}},
            {"id": "c2", "type": "function", "function": {"name": "lookup", "arguments": '{"id":"Ü"}'}},
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": '{"state":"sent"}'},
    {"role": "tool", "tool_call_id": "c2", "content": "ERROR: not there"},
    {"role": "assistant", "content": "A was sent."},
    {"role": "user", "content": "And now?"},
]
EMPTY = {"type": "object", "properties": {}}
CHAT_TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "lookup", "description": "Find an order.", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "ping", "description": "", "parameters": EMPTY}},
]
UNSTORED = {
    "include": ["reasoning.encrypted_content"],
    "reasoning": {"effort": "none", "context": "all_turns"},
    "store": False,
    "stream": False,
}
"""Nothing stays at the provider: thoughts come back encrypted."""
WHOLE: dict[str, dict[str, Any]] = {
    "llm-anthropic": {
        "model": "claude-sonnet-4-6",
        "max_tokens": 77,
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Where is A?"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "c1", "name": "lookup", "input": {"id": "A"}},
                    {"type": "tool_use", "id": "c2", "name": "lookup", "input": {"id": "Ü"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "c1",
                        "content": [{"type": "text", "text": '{"state":"sent"}'}],
                        "is_error": False,
                    },
                    {
                        "type": "tool_result",
                        "tool_use_id": "c2",
                        "content": [{"type": "text", "text": "not there"}],
                        "is_error": True,
                    },
                ],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "A was sent."}]},
            {"role": "user", "content": [{"type": "text", "text": "And now?"}]},
        ],
        "tools": [
            {"name": "lookup", "description": "Find an order.", "input_schema": SCHEMA},
            {"name": "ping", "description": "", "input_schema": EMPTY},
        ],
        "tool_choice": {"type": "auto"},
        "stream": False,
    },
    "llm-openai": {
        "model": "gpt-5.4",
        "messages": CHAT,
        "max_completion_tokens": 77,
        "tools": CHAT_TOOLS,
        "tool_choice": "auto",
        "reasoning_effort": "none",
        "stream": False,
    },
    "llm-openrouter": {
        "model": "anthropic/claude-sonnet-4.5",
        "messages": CHAT,
        "max_tokens": 77,
        "tools": CHAT_TOOLS,
        "tool_choice": "auto",
        "reasoning": {"effort": "none"},
        "stream": False,
    },
    "llm-ollama": {
        "model": "llama3.2",
        "messages": CHAT,
        "max_tokens": 77,
        "tools": CHAT_TOOLS,
        "tool_choice": "auto",
        "stream": False,
    },
    "responses": {
        "model": "gpt-5.4",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": "Where is A?"},
            {"role": "assistant", "content": "I look."},
            {"type": "function_call", "call_id": "c1", "name": "lookup", "arguments": '{"id":"A"}'},
            {"type": "function_call", "call_id": "c2", "name": "lookup", "arguments": '{"id":"Ü"}'},
            {"type": "function_call_output", "call_id": "c1", "output": '{"state":"sent"}'},
            {"type": "function_call_output", "call_id": "c2", "output": "ERROR: not there"},
            {"role": "assistant", "content": "A was sent."},
            {"role": "user", "content": "And now?"},
        ],
        "max_output_tokens": 77,
        "tools": [
            {
                "type": "function",
                "name": "lookup",
                "description": "Find an order.",
                "parameters": SCHEMA,
                "strict": False,
            },
            {"type": "function", "name": "ping", "description": "", "parameters": EMPTY, "strict": False},
        ],
        "tool_choice": "auto",
        **UNSTORED,
    },
    "llm-gemini": {
        "systemInstruction": {"role": "user", "parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Where is A?"}]},
            {
                "role": "model",
                "parts": [
                    {"text": "I look."},
                    {
                        "functionCall": {"id": "c1", "name": "lookup", "args": {"id": "A"}},
                        "thoughtSignature": DUMMY,
                    },
                    {"functionCall": {"id": "c2", "name": "lookup", "args": {"id": "Ü"}}},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "c1", "name": "lookup", "response": {"state": "sent"}}},
                    {"functionResponse": {"id": "c2", "name": "lookup", "response": {"error": "not there"}}},
                ],
            },
            {"role": "model", "parts": [{"text": "A was sent."}]},
            {"role": "user", "parts": [{"text": "And now?"}]},
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "lookup", "description": "Find an order.", "parametersJsonSchema": OF_GEMINI},
                    {"name": "ping", "description": "", "parametersJsonSchema": EMPTY},
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
        "generationConfig": {
            "maxOutputTokens": 77,
            "responseModalities": ["TEXT"],
            "thinkingConfig": {"thinkingLevel": "MINIMAL"},
        },
    },
}


async def test_a_conversation(provider, standin):
    """System prompt, turns, tools and their results arrive whole, and nothing that nobody has asked for."""
    body = await sent(provider, standin, Ask("Be brief.", TURNS, (LOOKUP, PING), max_tokens=77))

    assert body == WHOLE[str(provider)]


async def test_the_least(provider, standin):
    """Without system prompt, tools and limits there is none of them in the request."""
    body = await sent(provider, standin, Ask("", (User("Hi"),)))

    least = {
        "llm-anthropic": {
            "model": "claude-sonnet-4-6",
            "max_tokens": 4096,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
            "stream": False,
        },
        "responses": {"model": "gpt-5.4", "input": [{"role": "user", "content": "Hi"}], **UNSTORED},
        "llm-gemini": {
            "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
            "generationConfig": {"responseModalities": ["TEXT"], "thinkingConfig": {"thinkingLevel": "MINIMAL"}},
        },
    }
    for name in ("llm-openai", "llm-openrouter", "llm-ollama"):
        kept = {key: WHOLE[name][key] for key in WHOLE[name] if key in ("model", "reasoning", "reasoning_effort")}
        least[name] = {**kept, "messages": [{"role": "user", "content": "Hi"}], "stream": False}
    assert body == least[str(provider)]


CHOICES: dict[str, tuple[str, dict[str, object]]] = {
    "llm-anthropic": (
        "tool_choice",
        {"any": {"type": "any"}, "none": {"type": "none"}, "ping": {"type": "tool", "name": "ping"}},
    ),
    **dict.fromkeys(
        ("llm-openai", "llm-openrouter", "llm-ollama"),
        (
            "tool_choice",
            {"any": "required", "none": "none", "ping": {"type": "function", "function": {"name": "ping"}}},
        ),
    ),
    "responses": (
        "tool_choice",
        {"any": "required", "none": "none", "ping": {"type": "function", "name": "ping"}},
    ),
    "llm-gemini": (
        "toolConfig",
        {
            "any": {"functionCallingConfig": {"mode": "ANY"}},
            "none": {"functionCallingConfig": {"mode": "NONE"}},
            "ping": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["ping"]}},
        },
    ),
}


@pytest.mark.parametrize("choice", ["any", "none", "ping"])
async def test_the_choice_of_tools(provider, standin, choice):
    """A block may want any tool called, none, or a certain one."""
    asked: dict[str, Any] = {"only": choice} if choice == "ping" else {"choice": choice}

    body = await sent(provider, standin, Ask("", (User("Hi"),), (LOOKUP, PING), **asked))

    key, expected = CHOICES[str(provider)]
    assert body.get(key) == expected[choice]


ATTACHED = User(
    "Look",
    (
        Attachment("image/png", b"\x89PNG", "a.png"),
        Attachment("application/pdf", b"%PDF", "b.pdf"),
        Attachment("text/plain; charset=utf-8", "größer".encode(), "c.txt"),
    ),
)


async def test_attachments(provider, standin):
    """An image, a PDF and a text arrive in the form of the provider."""
    body = await sent(provider, standin, Ask("", (ATTACHED,)))

    if provider is ANTHROPIC:
        assert messages(body)[0]["content"] == [
            {"type": "text", "text": "Look"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
            {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "größer"}},
        ]
    elif provider is GEMINI:
        text = base64.b64encode("größer".encode()).decode()
        assert body["contents"][0]["parts"] == [
            {"text": "Look"},
            {"inlineData": {"mimeType": "image/png", "data": PNG}},
            {"inlineData": {"mimeType": "application/pdf", "data": PDF}},
            {"inlineData": {"mimeType": "text/plain", "data": text}},
        ]
    elif provider is RESPONSES:
        said, image, document, text = body["input"][0]["content"]
        assert said == {"type": "input_text", "text": "Look"}
        assert image["image_url"] == f"data:image/png;base64,{PNG}"
        assert document["file_data"] == f"data:application/pdf;base64,{PDF}"
        assert text["file_data"] == f"data:text/plain;base64,{base64.b64encode('größer'.encode()).decode()}"
    else:
        said, image, document, text = messages(body)[0]["content"]
        assert said == {"type": "text", "text": "Look"}
        assert image == {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
        assert document["file"]["file_data"] == f"data:application/pdf;base64,{PDF}"
        assert "größer" in text["text"]


async def test_a_file_that_no_provider_takes(provider, standin):
    """What a provider cannot be given fails for good, before anything is sent. Gemini says by itself what it takes."""
    ask = Ask("", (User("Look", (Attachment("application/zip", b"PK"),)),))
    if provider is GEMINI:
        assert "application/zip" in str(await sent(provider, standin, ask))
        return
    async with provider.over(standin) as model:
        with pytest.raises(Permanent, match="attachments of type 'application/zip' are not taken by llm-"):
            await model.ask(ask)
    assert standin.attempts == 0


async def test_files_of_a_tool(provider, standin):
    """A file that a tool returned goes with its result."""
    turns = (
        User("Draw"),
        Assistant("", (ToolCall("c1", "ping", {}),)),
        Results((ToolResult("c1", "ping", "here", attachments=(Attachment("image/png", b"\x89PNG"),)),)),
    )

    body = await sent(provider, standin, Ask("", turns, (PING,)))

    assert PNG in json.dumps(body)


def results(result: ToolResult) -> tuple[Turn, ...]:
    """A conversation that ends with the result of a tool."""
    return User("Draw"), Assistant("", (ToolCall("c1", "ping", {}),)), Results((result,))


@pytest.mark.parametrize("kind", ["application/zip", "image/svg+xml", "audio/wav"])
async def test_a_file_of_a_tool_that_no_provider_takes(provider, standin, kind):
    """A file that a tool returned, and that cannot be sent, is named: the conversation goes on."""
    given = ToolResult("c1", "ping", "here", attachments=(Attachment(kind, b"x"),))

    text = json.dumps(await sent(provider, standin, Ask("", results(given), (PING,))))

    assert "here" in text
    if provider in (ANTHROPIC, RESPONSES):
        assert f"(files that cannot be shown to you: {kind})" in text


@pytest.mark.parametrize(("kind", "real"), [("image/jpg", "image/jpeg"), ("IMAGE/JPG; q=1", "image/jpeg")])
async def test_a_wrong_name_of_a_known_kind(provider, standin, kind, real):
    """A file that many programs give a media type which is none goes with its real one."""
    body = await sent(provider, standin, Ask("", (User("Look", (Attachment(kind, b"x"),)),)))

    assert real in json.dumps(body)


@pytest.mark.parametrize("text", ["", " \n"])
async def test_texts_without_text(provider, standin, text):
    """A result, or an answer beside a call, may be empty: no provider gets a part that it refuses."""
    turns = (User(text, (Attachment("image/png", b"x"),)), *results(ToolResult("c1", "ping", text))[1:])
    turns = (turns[0], turns[1]._replace(text=text), turns[2], Assistant(text), User("Go on"))

    await sent(provider, standin, Ask("", turns, (PING,)))


async def test_a_result_that_is_a_schema(provider, standin):
    """A result is data, also for a provider that looks for references in it."""
    given = ToolResult("c1", "ping", '{"$ref": "#/$defs/A"}')

    text = json.dumps(await sent(provider, standin, Ask("", results(given), (PING,))))

    assert "#/$defs/A" in text


async def test_arguments_that_are_no_json_are_sent_back(provider, standin):
    """A model that wrote broken arguments sees what it wrote, in a form that its API takes."""
    turns = (
        User("Hi"),
        Assistant("", (ToolCall("c1", "ping", None, '{"id": '),)),
        Results((ToolResult("c1", "ping", "not JSON", is_error=True),)),
    )

    body = await sent(provider, standin, Ask("", turns, (PING,)))

    assert '{"id": ' in json.dumps(body).replace("\\", "")


HEADERS = {
    "llm-anthropic": ("x-api-key", "{key}"),
    "llm-openai": ("authorization", "Bearer {key}"),
    "llm-gemini": ("x-goog-api-key", "{key}"),
    "llm-openrouter": ("authorization", "Bearer {key}"),
    "llm-ollama": ("authorization", "Bearer {key}"),
}


async def test_headers(provider, standin):
    """The key stands in one header, and in the address never; the connector's own headers go with every request."""
    await sent(provider, standin, Ask("", (User("Hi"),)), headers={"X-Team": "billing"})

    (request,) = standin.requests
    name, value = HEADERS[provider.name]
    assert request.headers[name] == value.format(key=standin.key)
    assert [key for key, value in request.headers.items() if standin.key in value] == [name]
    assert standin.key not in request.path + request.query
    assert request.headers["x-team"] == "billing"
    assert request.headers["accept-encoding"] == "identity"


async def test_common_settings(provider, standin):
    """Temperature, share of words and length of an answer are settings of the connector."""
    body = await sent(provider, standin, Ask("", (User("Hi"),)), temperature=0.5, topP=0.9, maxTokens=50)

    if provider is GEMINI:
        body = body["generationConfig"]
    found = {each: body.get(each) for each in ("temperature", "top_p", "topP") if each in body}
    assert found in ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "topP": 0.9})
    assert 50 in body.values()


THOUGHT = [
    (ANTHROPIC, {"thinking": "adaptive"}, "thinking", {"type": "adaptive"}),
    (
        ANTHROPIC,
        {"thinking": "budgeted", "thinkingBudget": 2000},
        "thinking",
        {"type": "enabled", "budget_tokens": 2000},
    ),
    (ANTHROPIC, {}, "thinking", None),
    (OPENAI, {"reasoning": "high"}, "reasoning_effort", "high"),
    (OPENAI, {"reasoning": "default"}, "reasoning_effort", None),
    (OPENAI, {"model": "gpt-4o"}, "reasoning_effort", None),
    (RESPONSES, {"reasoning": "high"}, "reasoning", {"effort": "high", "context": "all_turns"}),
    (OPENROUTER, {"reasoning": "low"}, "reasoning", {"effort": "low", "enabled": True}),
    (OPENROUTER, {"reasoning": "default"}, "reasoning", None),
    (GEMINI, {"thinking": "dynamic"}, "generationConfig", {"thinkingBudget": -1, "includeThoughts": True}),
    (
        GEMINI,
        {"thinking": "budgeted", "thinkingBudget": 300},
        "generationConfig",
        {"thinkingBudget": 300, "includeThoughts": True},
    ),
    (GEMINI, {"model": "gemini-2.5-flash"}, "generationConfig", {"thinkingBudget": 0}),
]


@pytest.mark.parametrize(("provider", "settings", "key", "expected"), THOUGHT, ids=str)
async def test_thinking(provider, standin, settings, key, expected):
    """How much a model thinks is the author's choice, and sent only to models that know of it."""
    body = await sent(provider, standin, Ask("", (User("Hi"),)), **settings)

    found = body.get(key)
    assert (found.get("thinkingConfig") if provider is GEMINI else found) == expected


ANSWER = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


async def test_a_schema(provider, standin):
    """A schema goes to providers that can hold a model to it, as it is."""
    standin.script = [Says('{"ok": true}')]

    body = await sent(provider, standin, Ask("", (User("Hi"),), schema=ANSWER))

    if provider in (OPENAI, OLLAMA):
        assert body["response_format"]["type"] == "json_schema"
        assert body["response_format"]["json_schema"]["schema"] == ANSWER
    elif provider is RESPONSES:
        assert body["text"]["format"]["type"] == "json_schema"
        assert body["text"]["format"]["schema"] == ANSWER
    elif provider is GEMINI:
        assert body["generationConfig"]["responseMimeType"] == "application/json"
        assert body["generationConfig"]["responseJsonSchema"] == {**ANSWER, "title": "answer"}
    else:
        assert '"ok"' not in json.dumps(body)


@pytest.mark.parametrize("provider", [OPENROUTER], ids=str)
async def test_the_name_of_the_app(provider, standin):
    """OpenRouter lists calls under a name and an address."""
    await sent(provider, standin, Ask("", (User("Hi"),)), appName="Octo", siteURL="https://octo.example")

    (request,) = standin.requests
    assert request.headers["x-title"] == "Octo"
    assert request.headers["http-referer"] == "https://octo.example"


THOUGHTS = [{"thinking": "adaptive"}, {"thinking": "budgeted", "thinkingBudget": 1024}]


@pytest.mark.parametrize("provider", [ANTHROPIC], ids=str)
async def test_thoughts_longer_than_the_answer(provider, standin):
    """A call whose answer has no room for the thoughts of its connector does without them."""
    ask = Ask("", (User("Hi"),), max_tokens=500)

    body = await sent(provider, standin, ask, thinking="budgeted", thinkingBudget=2000)

    assert (body["max_tokens"], body["thinking"]) == (500, {"type": "disabled"})


@pytest.mark.parametrize(
    ("provider", "model"), [(OLLAMA, "gpt-oss:120b-cloud"), (GEMINI, "gemini-2.5-flash-image")], ids=["cloud", "images"]
)
async def test_a_schema_that_the_model_cannot_enforce(provider, standin, model):
    """It is not sent then: a block says in its prompt what it wants, and checks what it gets."""
    body = await sent(provider, standin, Ask("", (User("Hi"),), schema=ANSWER), model=model)

    assert '"ok"' not in json.dumps(body)


@pytest.mark.parametrize("thinking", THOUGHTS, ids=str)
@pytest.mark.parametrize("provider", [ANTHROPIC], ids=str)
async def test_thinking_and_a_choice(provider, standin, thinking):
    """A model that thinks cannot be made to call a tool, so it does not think for such a call."""
    body = await sent(provider, standin, Ask("", (User("Hi"),), (PING,), choice="any"), **thinking)

    assert body["tool_choice"] == {"type": "any"}
    assert body.get("thinking", {"type": "disabled"}) == {"type": "disabled"}


async def test_the_environment_of_another_vendor(provider, standin, monkeypatch):
    """What the vendors' libraries find in the environment does not go to a server that the settings name."""
    variables = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_API_KEY", "GOOGLE_API_KEY")
    for name in (*variables, "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY"):
        monkeypatch.setenv(name, "of-the-environment")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-More: of-the-environment")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-More: of-the-environment")

    await sent(provider, standin, Ask("", (User("Hi"),)))

    assert "of-the-environment" not in str(standin.requests)
