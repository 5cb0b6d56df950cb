"""A flow to deploy, ways to wait for what a target tells, and calls of what it runs."""

from __future__ import annotations

import asyncio
import http.client
import json
from contextlib import aclosing
from urllib.parse import urlsplit

FLOW = """
env:
  - {name: WORD, default: none}
  - {name: AUTH_SECRET, default: none}
  - {name: OCTO_SERVICES, default: none}
  - {name: BANK, secret: bank, default: none}
connectors: [{name: web, type: http}]
flows:
  - name: word
    source: {connector: web, type: http, settings: {path: /}}
    process:
      - {type: set-payload, value: '{"word": env.WORD, "auth": env.AUTH_SECRET, "bank": env.BANK}'}
  - name: slow
    source: {connector: web, type: http, settings: {path: /slow}}
    process:
      - {type: delay, for: 2s}
      - {type: set-payload, value: '"slow"'}
  - name: code
    source: {connector: web, type: http, settings: {path: "/code/{what}"}}
    process: [{type: python, call: "code:run"}]
"""
CODE = r"""
import os
import signal
import threading
import time

KEPT = []


def run(vars):
    match vars["what"]:
        case "pid":
            return os.getpid()
        case "environment":
            return dict(os.environ)
        case "grow":
            KEPT.append(b"x" * (200 << 20))
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "say":
            os.write(1, b"plain geheimnis\n")
    return "done"
"""


async def until(target, condition, deployment="d1"):
    """What is observed once the condition holds."""
    async with aclosing(target.changes()) as changes:
        waiting = asyncio.ensure_future(anext(changes))  # noqa: TID251  before the first look, so that nothing is missed
        try:
            while not condition(seen := await target.observe(deployment)):
                await waiting
                waiting = asyncio.ensure_future(anext(changes))  # noqa: TID251
            return seen
        finally:
            waiting.cancel()
            await asyncio.wait((waiting,))


def runs(generation):
    """Whether this generation runs. One that has failed never will."""

    def met(seen):
        assert seen.generation != generation or seen.phase != "failed", seen.reasons
        return seen.phase == "running" and seen.generation == generation

    return met


def has(phase):
    return lambda seen: seen.phase == phase


async def call(seen, path="/"):
    """Status and body of a request to what is observed."""
    return await asyncio.to_thread(called, seen.internal_url, path)


def called(url, path="/"):
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
