"""A roll while journalled messages wait in the middle of their flow: the version that goes on is the one chosen.

Each message reserves, waits until the test lets it, and ships by its version. None is lost, and none ships twice.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.acceptance.test_platform_kill import ANY, HERE, PATIENCE, Platform

IDS = ("a", "b", "c")
FLOW = """
env: [{name: HTTP_PORT, default: "8080"}]
connectors:
  - {name: web, type: http, settings: {port: "${HTTP_PORT}"}}
  - {name: shop, type: http-client, settings: {baseURL: "ADDRESS", timeout: 10m}}
flows:
  - name: accept
    source: {type: http, connector: web, settings: {path: "/{id}", methods: [POST]}}
    process: [{type: set-payload, value: vars.id}, {type: flow-ref, flow: order, oneWay: true}]
  - name: order
    durability: journal
    process:
      - {name: keep-id, type: set-variable, settings: {name: id, value: body}}
      - {name: reserve, type: rest, connector: shop, settings: {method: POST, path: "/reserve/{vars.id}"}}
      - {name: wait, type: rest, connector: shop, settings: {method: POST, path: "/wait/{vars.id}"}}
      - {name: ship, type: rest, connector: shop, settings: {method: POST, path: "/VERSION/{vars.id}"}}
"""

pytestmark = pytest.mark.timeout(4 * PATIENCE)


class Asked(NamedTuple):
    """A request to the shop. key: its idempotency key."""

    what: str
    id: str
    key: str | None


class Shop:
    """What the flows call. It answers those that wait once it is open."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.open = threading.Event()
        self._changed = threading.Condition()
        shop = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                _, what, id_ = self.path.split("/")
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                shop.note(Asked(what, id_, self.headers.get("Idempotency-Key")))
                if what == "wait":
                    shop.open.wait()
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  who was cut off hears no answer
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def note(self, asked: Asked) -> None:
        with self._changed:
            self.asked.append(asked)
            self._changed.notify_all()

    def count(self, *what: str) -> Counter[str]:
        return Counter(each.id for each in self.asked if each.what in what)

    async def until(self, times: int, *what: str) -> None:
        """Until each of the messages has asked this so many times."""

        def wait() -> None:
            with self._changed:
                met = self._changed.wait_for(lambda: self.count(*what) == dict.fromkeys(IDS, times), PATIENCE)
            assert met, self.asked

        await asyncio.to_thread(wait)


@pytest.fixture
def shop() -> Iterator[Shop]:
    found = Shop()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield found
    found.open.set()
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.fixture
async def platform(tmp_path: Path, free_port: Callable[[], int]) -> AsyncIterator[Platform]:
    found = Platform(tmp_path, free_port(), free_port())
    await found.start()
    yield found
    await found.stop()


async def _deployed(client: httpx.AsyncClient, shop: Shop, **settings: Any) -> None:
    """Versions v1 and v2, and a deployment of the first."""
    flow = FLOW.replace("ADDRESS", shop.url)
    files = {"order.yaml": flow.replace("VERSION", "v1")}
    for path, body in (
        ("/workspaces", {"name": "shop"}),
        (f"{HERE}/environments", {"name": "dev"}),
        (f"{HERE}/integrations", {"name": "order", "files": files}),
        (f"{HERE}/integrations/order/versions", {"tag": "v1"}),
    ):
        (await client.post(path, json=body)).raise_for_status()
    path = f"{HERE}/integrations/order/files/order.yaml"
    (await client.put(path, content=flow.replace("VERSION", "v2").encode(), headers=ANY)).raise_for_status()
    (await client.post(f"{HERE}/integrations/order/versions", json={"tag": "v2"})).raise_for_status()
    body = {"environment": "dev", "integration": "order", "tag": "v1", "settings": settings}
    (await client.post(f"{HERE}/deployments", json=body)).raise_for_status()


async def _until(client: httpx.AsyncClient, met: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            found: dict[str, Any] = (await client.get(f"{HERE}/deployments/dev:order")).raise_for_status().json()
            if met(found):
                return found
            await asyncio.sleep(0.1)


def _runs(tag: str) -> Callable[[dict[str, Any]], bool]:
    return lambda found: found["phase"] == "running" and found.get("runningTag") == tag


def _serves(tag: str) -> Callable[[dict[str, Any]], bool]:
    return lambda found: any(each["tag"] == tag and each["ready"] for each in found["instances"])


@pytest.mark.parametrize(
    ("way", "drain", "version", "waits"),
    [("drain", 600, "v1", 1), ("drain", 0.2, "v1", 2), ("migrate", 600, "v2", 2)],
    ids=["finished by their own", "resumed in their own", "migrated"],
)
async def test_messages_under_way_go_on_as_it_was_chosen(platform, shop, way, drain, version, waits):
    client = platform.client
    await _deployed(client, shop, drain=drain)
    url = (await _until(client, _runs("v1")))["internalUrl"]
    async with httpx.AsyncClient() as outside:
        for each in IDS:
            (await outside.post(f"{url}/{each}")).raise_for_status()
    await shop.until(1, "wait")

    settings = {"inFlight": way}
    plan = (await client.post(f"{HERE}/deployments/dev:order/plan", json={"tag": "v2", "settings": settings})).json()
    assert plan["inFlight"] == len(IDS)
    assert f"files of {version}" in plan["warnings"][0]
    body = {"tag": "v2", "settings": settings, "plan": plan["digest"]}
    (await client.post(f"{HERE}/deployments/dev:order/rollout", json=body, headers=ANY)).raise_for_status()
    # The old instance stays until its messages have finished, but for those that it hands over.
    await _until(client, _serves("v2") if waits == 1 else _runs("v2"))
    await shop.until(waits, "wait")
    shop.open.set()
    await shop.until(1, "v1", "v2")
    await _until(client, _runs("v2"))
    await platform.stop()

    assert shop.count("v1" if version == "v2" else "v2") == {}
    assert shop.count(version) == shop.count("reserve") == dict.fromkeys(IDS, 1)
    assert shop.count("wait") == dict.fromkeys(IDS, waits), "only the block that was under way runs again"
    assert len({(each.id, each.key) for each in shop.asked if each.what == "wait"}) == len(IDS), "with the same key"
