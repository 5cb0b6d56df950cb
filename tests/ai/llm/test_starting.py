"""How connectors start: what takes time is done then, in a thread, and by those alone who need it."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from functools import partial

import pytest

from octo.ai.conversation import Ask, User
from octo.ai.llm import connector
from octo.ai.llm.wires import rehearsal
from octo.core.errors import NotConnected, Permanent
from tests.ai.conftest import ANTHROPIC, OPENAI, PROVIDERS
from tests.ai.standins import anthropic

HEAVY = ("pydantic_ai", "anthropic", "openai", "google.genai", "httpx", "httpx2", "genai_prices")
LISTED = f"print([each for each in {HEAVY!r} if each in sys.modules])"


def test_no_library_is_imported_before():
    """To declare a connector, to check and to describe its settings costs nothing of it."""
    names = ", ".join(f"octo.ai.llm.{each.name.removeprefix('llm-')}" for each in PROVIDERS)

    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {names}, octo.builtin; {LISTED}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


AFTER = """
import asyncio, sys
from octo.ai.conversation import *
from tests.ai.conftest import PROVIDERS

async def main():
    for provider in PROVIDERS:
        async with provider.standin().serving() as standin, provider.over(standin) as model:
            before = set(sys.modules)
            async def hear(piece): pass
            for each in (None, hear):
                await model.ask(Ask("s", (User("Hi"),), (Tool("t", "d", {"type": "object"}),)), each)
            if provider.name != "llm-anthropic":
                await model.embed(["a"], "text-embedding-3-small")
            print(provider, sorted(set(sys.modules) - before))

asyncio.run(main())
"""


def test_a_message_imports_nothing():
    """All that the libraries import at their first call was imported when the connector started."""
    done = subprocess.run([sys.executable, "-c", AFTER], capture_output=True, text=True, check=False)

    assert done.stderr == ""
    assert done.stdout == "".join(f"{each} []\n" for each in PROVIDERS)


async def test_the_loop_goes_on(monkeypatch):
    """While libraries are imported, flows run."""
    began, goes = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(*_: object) -> object:
        loop.call_soon_threadsafe(began.set)
        asyncio.run_coroutine_threadsafe(goes.wait(), loop).result()
        raise RuntimeError("enough")

    monkeypatch.setattr(connector, "_opened", slow)

    async def meanwhile() -> None:
        await began.wait()
        goes.set()

    async def opened() -> None:
        async with OPENAI.over(anthropic.Anthropic()):
            pass

    with pytest.raises(RuntimeError, match="enough"):
        await asyncio.gather(opened(), meanwhile())


async def test_a_rehearsal_succeeds(provider, monkeypatch):
    """All calls of it are read to their end, or they would warm up half."""
    replies = []

    async def kept(work, *given):
        replies.append(await work(*given))

    def keep(http):
        wire = wire_of(provider, http)
        for name in ("send", "embed"):
            monkeypatch.setattr(wire, name, partial(kept, getattr(wire, name)))
        return wire

    await rehearsal.rehearse(keep)

    assert [each.text for each in replies[:2]] == ["a", "a"]
    assert [each.vectors for each in replies[2:]] == ([] if provider is ANTHROPIC else [((0.5,),)])


def wire_of(provider, http):
    given = {"apiKey": "sk-1234567890", **provider.settings}
    module = sys.modules[provider.cls.__module__]
    return module._wire(provider.cls.__octo_connector__.settings.model_validate(given), http)


async def test_open_and_closed_twice(provider, standin):
    """Each opening has connections of its own, and leaves none."""
    for _ in range(2):
        async with provider.over(standin) as model:
            assert (await model.ask(Ask("", (User("Hi"),)))).text == "hello"
            assert model.name in str(standin.requests[-1])


async def test_a_proxy(provider, standin):
    """Calls go through the proxy that the settings name. It gets the whole address, and its login."""
    seen = []
    standin.check = seen.append
    given = {
        "proxy": standin.url.replace("://", "://user:pass-word@"),
        "baseURL": f"http://api.test.example{standin.base}",
    }
    async with provider.over(standin, **given) as model:
        await model.ask(Ask("", (User("Hi"),)))

    (request,) = seen
    assert request.path.startswith("http://api.test.example/")
    assert request.headers["proxy-authorization"] == "Basic dXNlcjpwYXNzLXdvcmQ="


async def test_certificates(provider, certificate):
    """A server is trusted if an authority of the settings, or else of the machine, has signed its certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with provider.standin().serving(context) as standin:
        async with provider.over(standin, tls={"ca": str(certificate)}) as model:
            assert (await model.ask(Ask("", (User("Hi"),)))).text == "hello"
        async with provider.over(standin) as model:
            with pytest.raises(NotConnected, match="certificate verify failed"):
                await model.ask(Ask("", (User("Hi"),)))


@pytest.mark.parametrize("provider", [OPENAI], ids=str)
async def test_without_the_extra(provider, standin, monkeypatch):
    """Octo can be installed without the libraries: then the error says which."""
    monkeypatch.setitem(sys.modules, "octo.ai.llm.wires", None)

    with pytest.raises(Permanent, match=r"pip install 'octo-flows\[ai\]'"):
        async with provider.over(standin):
            pass
