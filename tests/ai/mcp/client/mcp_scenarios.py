"""The connector as the client that MCP's conformance suite drives, one scenario at a time.

Everything goes through what agents and blocks use.
"""

from __future__ import annotations

import asyncio
import json
from typing import NamedTuple

import httpx2

from octo.ai.mcp.client import McpClient
from octo.ai.mcp.client.results import Result
from octo.ai.mcp.client.settings import Server
from octo.core.errors import OctoError

DOCUMENT = "https://conformance-test.local/client-metadata.json"
REDIRECT = "http://localhost:3000/callback"
SCHEMA_TOOL = "json_schema_2020_12_tool"

CALLS = {
    "tools_call": [("add_numbers", {"a": 5, "b": 3})],
    "sse-retry": [("test_reconnection", {})],
    "elicitation-sep1034-client-defaults": [("test_client_elicitation_defaults", {})],
    "sep-2322-client-request-state": [
        ("test_mrtr_echo_state", {}),
        ("test_mrtr_unrelated", {}),
        ("test_mrtr_no_state", {}),
        ("test_mrtr_no_result_type", {}),
    ],
}


class Scenario(NamedTuple):
    """What the suite wants. context: what it says of it, such as credentials. version: of the protocol."""

    url: str
    name: str
    context: dict
    version: str | None

    async def run(self) -> str:
        """Do it; returns what there is to tell."""
        told = []
        async with McpClient.open(await self.settings()) as client:
            offers = {each.tool.name: each.tool for each in await client.tools()}
            told.append(f"tools: {', '.join(offers)}")
            for name, arguments in self.calls(offers):
                try:
                    told.append(f"{name}: {await call(client, name, arguments)}")
                except OctoError as error:
                    if self.name.startswith("auth/"):
                        raise
                    told.append(f"{name}: {error}")
            if self.name == "http-standard-headers":
                await others(client)
        return "\n".join(told)

    async def settings(self):
        written = {"url": self.url, "timeout": "20s"}
        if self.version is not None and self.version < "2026":
            written["revision"] = "2025-11-25"
        known = {"client_id": "clientID", "client_secret": "clientSecret", "private_key_pem": "key"}
        oauth = {key: self.context[name] for name, key in known.items() if name in self.context}
        if self.name.startswith("auth/client-credentials"):
            algorithm = self.context.get("signing_algorithm", "RS256")
            written["oauth"] = {**oauth, "issuer": await self.issuer(), "keyAlgorithm": algorithm}
        elif self.name.startswith("auth/"):
            grant = {"grant": "authorization-code", "redirectURI": REDIRECT, "clientMetadataURL": DOCUMENT}
            oauth.pop("key", None)
            written["oauth"] = {**grant, **oauth}
        return Server.model_validate(written)

    async def issuer(self):
        """The authorization server of the MCP server, which an operator would know."""
        server, _, path = self.url.rpartition("/")
        async with httpx2.AsyncClient() as client:
            found = await client.get(f"{server}/.well-known/oauth-protected-resource/{path}")
        return found.json()["authorization_servers"][0]

    def calls(self, offers):
        if self.name == "json-schema-2020-12-preservation":
            return [(name, {"schema": offers[SCHEMA_TOOL].input}) for name in offers if name != SCHEMA_TOOL]
        if "toolCalls" in self.context:
            return [(each["name"], each["arguments"]) for each in self.context["toolCalls"]]
        return CALLS.get(self.name) or [(name, filled(tool.input)) for name, tool in offers.items()]


async def call(client, name, arguments):
    tool = (await client._link.listing()).find(name, "the server")
    dialogue = client._link.dialogue(tool, arguments, is_answered=True)
    try:
        while not isinstance(found := await dialogue.next(), Result):
            dialogue.answer({each.name: filled(each.schema) for each in found})
        return found.value
    finally:
        dialogue.close()


def filled(schema):
    """A value that leaves out what has a default."""
    kinds = {"boolean": True, "integer": 1, "number": 1}
    properties = (schema or {}).get("properties", {})
    return {name: kinds.get(each.get("type"), "text") for name, each in properties.items() if "default" not in each}


async def others(client):
    """Ask for what else has a name in its header."""
    session = client._link._session._client.session
    for each in (await session.list_resources()).resources:
        await client._link.read(str(each.uri))
    for each in (await session.list_prompts()).prompts:
        await client._link.prompt(each.name, {argument.name: "text" for argument in each.arguments or ()})


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Run the scenario that a `relay.py` asks for."""
    url, (name, context, version) = json.loads(await reader.readline())
    try:
        told, code = await Scenario(url, name, json.loads(context or "{}"), version).run(), 0
    except Exception as error:  # noqa: BLE001  the suite sees that it failed
        told, code = f"{type(error).__name__}: {error}", 1
    writer.write(json.dumps({"told": told, "code": code}).encode() + b"\n")
    await writer.drain()
    writer.close()
