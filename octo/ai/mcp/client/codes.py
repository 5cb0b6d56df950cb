"""The codes of an MCP client's errors, explained: `octo explain OCTO-X120`."""

from __future__ import annotations

from octo.core.errors import Explanation

UNREACHABLE = "OCTO-X120"
TOO_SLOW = "OCTO-X121"
REFUSED = "OCTO-X122"
TOOL_FAILED = "OCTO-X123"
BAD_ARGUMENTS = "OCTO-X124"
NO_TOOL = "OCTO-X125"
INPUT_REQUIRED = "OCTO-X126"
BROKEN = "OCTO-X127"
TOO_LARGE = "OCTO-X128"
NOT_NOW = "OCTO-X129"
NO_COMMAND = "OCTO-X130"
NO_ANSWER = "OCTO-X131"
BAD_RESULT = "OCTO-X132"

EXPLANATIONS: dict[str, Explanation] = {
    UNREACHABLE: Explanation(
        "The MCP server is away",
        "The connection was refused or broke, the session was ended by the server, or the process that `command` "
        "started has ended; the text has what it last wrote to stderr. The connector is opened again by itself. A call "
        "that was under way may have been carried out. Look at the server, and at `url` or `command`.",
    ),
    TOO_SLOW: Explanation(
        "The MCP server did not answer in time",
        "The call took longer than the connector's `timeout`. It was cancelled, and the server was told; it may have "
        "carried it out all the same. Other calls and tools are not affected. Raise `timeout` for slow tools.",
    ),
    REFUSED: Explanation(
        "The MCP server refuses the credentials",
        "The server answered 401 or 403, or its authorization server gave no token. See `token`, `headers` and "
        "`oauth`: the client's id and secret, the scopes, and `oauth.issuer`, which must be exactly the issuer that "
        "the authorization server names in its metadata; credentials are never sent to another one.",
    ),
    TOOL_FAILED: Explanation(
        "An MCP tool reports an error",
        "The server carried out the call, and its result says `isError`; the text is the tool's, cut if it is long. "
        "The arguments may be wrong in a way that the tool's schema does not show. With `failOnError: false` such a "
        "result is an ordinary one, and `vars.isError` tells them apart.",
    ),
    BAD_ARGUMENTS: Explanation(
        "Arguments do not fit the MCP tool",
        "The arguments do not fit the tool's input schema, so the server was not called. The text says where. "
        "Correct `arguments`; the schema is in the list of the server's tools.",
    ),
    NO_TOOL: Explanation(
        "There is no such MCP tool",
        "The server's list has no tool, resource or prompt of this name, or `tools.allow` and `tools.deny` leave it "
        "out. Names are case-sensitive. A new tool is found once the list is fetched again: when the server says that "
        "it changed, or after the time that the server gives for it (5 minutes if it gives none).",
    ),
    INPUT_REQUIRED: Explanation(
        "An MCP tool asks for input",
        "The tool cannot go on without an answer (elicitation). `vars.questions` has the questions: `name`, `message`, "
        "and `schema` or `url`; `vars.requestState` is what the server wants back. Answer in the block's `onInput` "
        "chain, or ask a person and call again with `answers` and `requestState`. Never answer by letting a model make "
        "up what only a person knows.",
    ),
    BROKEN: Explanation(
        "The MCP server answers with an error",
        "The server answered with a JSON-RPC error, or with something that is not MCP. The text is the server's. "
        "Common reasons: the `url` is not that of an MCP endpoint (it often ends with `/mcp`), or the server does not "
        "know the method.",
    ),
    TOO_LARGE: Explanation(
        "The result of an MCP tool is too large",
        "A result may have at most `maxResultBytes`; a larger one is refused as a whole, since half a document is of "
        "no use. Raise `maxResultBytes`, or ask the tool for less. An agent gets the beginning of a long text instead.",
    ),
    NOT_NOW: Explanation(
        "The MCP server cannot answer right now",
        "The server, or what stands in front of it, answered 429 or with a status of 500 or above. The same call may "
        "succeed later; a `Retry-After` is honoured by sources and by `retry`.",
    ),
    NO_COMMAND: Explanation(
        "The MCP server cannot be started",
        "The program that `command` names was not found, or may not be executed; its arguments belong under `args`. "
        "Try the command in a shell. It gets only the environment variables HOME, LANG, LOGNAME, PATH, SHELL, TERM, "
        "TMPDIR and USER, those that `inherit` names, and those under `env`.",
    ),
    NO_ANSWER: Explanation(
        "The stub has no result for a tool",
        "In a test, a flow called a tool for which none of the stub's results fits. The message shows the call and the "
        "nearest result. Add it under `results`, or change the flow if it should not call this.",
    ),
    BAD_RESULT: Explanation(
        "The result does not fit the tool's own schema",
        "The tool declares an output schema, and its structured result does not fit it. The tool has run. The fault is "
        "the server's: report it there.",
    ),
}
