"""An agent with the tools of real servers: the model is a script, all else is real."""

from __future__ import annotations

import json

from octo.testing import running

FLOW = """
connectors:
  - {name: llm, type: llm-anthropic, settings: {apiKey: none-at-all}}
  - {name: shop, type: mcp-client, settings: SHOP}
  - {name: program, type: mcp-client, settings: PROGRAM}
flows:
  - name: ask
    process:
      - {type: ai-agent, connector: llm, prompt: Help., input: body, answer: text, mcp: [shop, program]}
"""


def call(tool, **arguments):
    return {"tool": tool, "arguments": arguments}


async def asked(servers, *replies):
    shop, program = map(json.dumps, servers)
    text = FLOW.replace("SHOP", shop).replace("PROGRAM", program)
    async with running(text, stubs={"llm": {"replies": list(replies)}}) as app:
        return (await app.call("ask", "hello")).body


async def test_tools_of_two_servers_are_called_and_listed_once(shop, url, program):
    """However many turns there are."""
    answer = await asked(
        ({"url": url}, program),
        {"calls": [call("add", a=1, b=2), call("pid")]},
        {
            "that": ['request.results[0].content.contains("3")', "!request.results[1].isError"],
            "calls": [call("fail"), call("greet", name="Ada")],
        },
        {
            "that": ["request.results[0].isError", 'request.results[1].content.contains("Hello, Ada!")'],
            "calls": [call("add", a=2, b=2)],
        },
        {"text": "done"},
    )

    assert answer == "done"
    assert shop.calls["tools/list"] == 1
    assert shop.calls["tools/call"] == 4


async def test_a_server_that_dies_takes_no_tool_of_the_other_with_it(url, program):
    """What became of the call is told to the model. The tools of the dead server stay on the list, as it comes back."""
    answer = await asked(
        ({"url": url}, program),
        {"calls": [call("die"), call("greet", name="Ada")]},
        {
            "that": [
                "request.results[0].isError",
                'request.results[0].content.contains("exit code 3")',
                'request.results[1].content.contains("Hello, Ada!")',
                '"greet" in request.tools && "pid" in request.tools',
            ],
            "text": "done",
        },
    )

    assert answer == "done"


async def test_a_tool_that_is_too_slow_is_one_result_among_others(shop, url, program):
    answer = await asked(
        ({"url": url, "timeout": "300ms"}, program),
        {"calls": [call("wait"), call("pid")]},
        {"that": ["request.results[0].isError", "!request.results[1].isError"], "calls": [call("greet", name="Ada")]},
        {"that": ['request.results[0].content.contains("Hello, Ada!")'], "text": "done"},
    )

    assert answer == "done"
    assert shop.ended.is_set()
