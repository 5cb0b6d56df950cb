"""The codes of what goes wrong in an MCP server, explained: `octo explain OCTO-X101`."""

from __future__ import annotations

from octo.core.errors import Explanation

OUTSIDE = "OCTO-X101"
BAD_ASK = "OCTO-X102"
BAD_CONTENT = "OCTO-X103"
NOT_PUBLISHED = "OCTO-X104"

EXPLANATIONS: dict[str, Explanation] = {
    OUTSIDE: Explanation(
        "A block of MCP stands outside of a tool, resource or prompt",
        "`mcp-ask` asks the client of an MCP server something, so it works only in a chain that such a client has "
        "called: below `tools`, `resources` or `prompts` of `mcp-router`, or in a flow that `octo mcp` publishes.",
    ),
    BAD_ASK: Explanation(
        "A request to the client of MCP is malformed",
        "`requests` of `mcp-ask` is a map from a name to `{method, params}`; the method is `elicitation/create`, "
        "`sampling/createMessage` or `roots/list`. The schema in `requestedSchema` must be a JSON Schema.",
    ),
    BAD_CONTENT: Explanation(
        "The content of an MCP result is malformed",
        "`vars.mcpContent` is a list of content blocks of MCP, e.g. `{type: text, text: ...}` or `{type: image, data: "
        "BASE64, mimeType: image/png}`. One of them is something else. Without the variable the body is the content.",
    ),
    NOT_PUBLISHED: Explanation(
        "A flow cannot be published as a tool of MCP",
        "Names of tools have 1 to 128 letters, digits, `_`, `-` or `.`. Rename the flow, or leave it out: `octo mcp "
        "--flows a,b` publishes only those that it names.",
    ),
}
