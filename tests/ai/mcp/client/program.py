"""A server of MCP over stdin and stdout that imports next to nothing, so that it is there at once.

Its tools: `variable` of its environment, its `pid`, `book`, which asks for the day, and `die`. It speaks 2025-11-25.
"""

import json
import os
import sys

NAME = {"type": "object", "properties": {"name": {"type": "string"}}}
DAY = {"type": "object", "properties": {"day": {"type": "string"}, "guests": {"type": "integer", "default": 2}}}
TOOLS = [{"name": name, "inputSchema": NAME} for name in ("variable", "pid", "book", "die")]


def say(**message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def heard():
    return json.loads(sys.stdin.readline() or "null")


def called(name, arguments):
    if name == "variable":
        return os.environ.get(arguments["name"], "not set")
    if name == "pid":
        return str(os.getpid())
    say(id="q", method="elicitation/create", params={"message": "Which day?", "requestedSchema": DAY})
    answer = heard()["result"]
    return f"{answer['content']['day']} for {answer['content']['guests']}" if "content" in answer else "declined"


sys.stderr.write("the shop opens\n")
sys.stdout.write("a line that is no message\n")
while (message := heard()) is not None:
    method, params = message.get("method"), message.get("params", {})
    if method == "initialize":
        server = {"name": "program", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": server}
    elif method == "tools/list":
        result = {"tools": TOOLS}
    elif method == "tools/call" and params["name"] == "die":
        sys.exit(3)
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": called(params["name"], params.get("arguments", {}))}]}
    elif "id" in message:
        say(id=message["id"], error={"code": -32601, "message": "no such method"})
        continue
    else:
        continue
    say(id=message["id"], result=result)
