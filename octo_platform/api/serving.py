"""Opens an installation and serves it: the API and pages, and what deployments reach, on two ports."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from octo_platform import retention
from octo_platform.api import failures
from octo_platform.api.app import create_app
from octo_platform.api.guard import Guard, name_of
from octo_platform.api.wire import KEEP_ALIVE, LARGEST_HEAD, Wire
from octo_platform.auth.identity import Identity
from octo_platform.data import plane as data_plane
from octo_platform.data.app import create_data_app
from octo_platform.data.asked import LARGEST_BODY
from octo_platform.data.plane import Plane
from octo_platform.deploy.targets import Opener, Targets
from octo_platform.deployments.reconciler import Reconciler
from octo_platform.flows.inspector import Inspector
from octo_platform.installation import Installation
from octo_platform.options import Options
from octo_platform.storage.birth import Birth, born
from octo_platform.storage.database import opened as opened_database, url_of
from octo_platform.storage.keys import read_keys
from octo_platform.storage.migrating import migrate
from octo_platform.storage.sealing import Keyring
from octo_platform.storage.sole import Sole

GRACE = 10
"""Seconds that requests under way have when the platform stops."""

MOST_WAITING = 5000
"""Connections, and requests under way, of deployments, most of which wait for something to come."""

Openers = Callable[[Options, Birth], Mapping[str, Opener]]


@asynccontextmanager
async def installed(options: Options, openers: Mapping[str, Opener] | Openers) -> AsyncIterator[Installation]:
    """Open everything that an installation is made of, with the tables that this release needs.

    Raises `NoKey`, `Unsealable` if the keys are others than those of the start before, and `TooNew`.
    """
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keyring = Keyring(read_keys(options))
    async with opened_database(url_of(options.place)) as database:
        await migrate(database)
        birth = await born(database, keyring)
        known = openers(options, birth) if callable(openers) else openers
        async with Targets(known) as targets:
            identity = Identity(options, database, keyring)
            inspector = Inspector(None if options.local_isolation == "off" else options.kept)
            yield Installation(options, database, keyring, identity, inspector, targets)


async def serve(
    options: Options,
    openers: Mapping[str, Opener] | Openers,
    ready: Callable[[Installation], Awaitable[None]] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends requests under way. ready: called once both ports listen.

    Raises OSError, whose `filename` is the address, if a port is taken; `Shared`; and what `installed` raises.
    """
    with (
        _listening(options.host, options.port) as listener,
        _listening(options.data_host, options.data_port) as data_listener,
    ):
        if not options.port:  # it is the system's choice, and must be known: deployments are kept from it
            options = options.model_copy(update={"port": listener.getsockname()[1]})
        async with installed(options, openers) as installation:
            await _serve(installation, listener, data_listener, ready)


async def _serve(
    installation: Installation,
    listener: socket.socket,
    data_listener: socket.socket,
    ready: Callable[[Installation], Awaitable[None]] | None,
) -> None:
    api = _server(create_app(installation))
    sole = Sole(installation.database)
    if "local" in installation.options.targets:
        await sole.take()
    async with data_plane.opened(installation) as plane:
        data = _server(guarded(plane), MOST_WAITING)
        with _stopped_by_signals(installation, api, data):
            async with asyncio.TaskGroup() as group:
                keeping = [group.create_task(retention.run(installation))]
                if "local" in installation.options.targets:
                    keeping.append(group.create_task(sole.keep()))
                reconciling = group.create_task(Reconciler(installation).run())
                serving = group.create_task(data.serve([data_listener]))
                if ready is not None:
                    await ready(installation)
                await api.serve([listener])
                reconciling.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reconciling
                # What runs here reaches what it keeps until its last message is finished.
                await installation.targets.close()
                for each in keeping:
                    each.cancel()
                data.should_exit = True
                plane.close()
                await serving


def guarded(plane: Plane) -> FastAPI:
    """The application that deployments reach, behind what every request passes."""
    app = create_data_app(plane)
    failures.install(app)
    hosts = _data_hosts(plane.installation.options)
    app.add_middleware(Guard, hosts=hosts, is_secure=False, largest=LARGEST_BODY)
    return app


class _Server(uvicorn.Server):
    """A server that leaves signals to its owner: two of them would take them from one another."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As it is, and also for connections that were on their way when it began: it would wait for them in vain."""
        async with asyncio.TaskGroup() as group:
            ending = group.create_task(self._end_late())
            await super().shutdown(sockets)
            ending.cancel()

    async def _end_late(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            for each in list(self.server_state.connections):
                each.shutdown()


def _server(app: FastAPI, most: int | None = None) -> _Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE,
        http=Wire,
        ws="none",
        timeout_keep_alive=KEEP_ALIVE,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        limit_concurrency=most,
        lifespan="off",
    )
    return _Server(config)


@contextmanager
def _stopped_by_signals(installation: Installation, api: uvicorn.Server, data: uvicorn.Server) -> Iterator[None]:
    """Let SIGTERM and SIGINT stop the API, and with it everything else."""

    def stop() -> None:
        if api.should_exit:
            api.force_exit = data.force_exit = True
        api.should_exit = True
        installation.stopping.set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, stop)
    try:
        yield
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(each)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that is bound, before anything else is opened: if somebody has the port, nothing has been touched.

    It listens at once, so who connects before the server runs waits. Raises OSError.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm only where the protocol is named; with it, each answer may wait for 40 ms.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), port))
            listener.listen(2048)
        except OSError as error:
            raise OSError(error.errno, error.strerror, f"{host}:{port}") from error
        yield listener


def _data_hosts(options: Options) -> frozenset[str]:
    from urllib.parse import urlsplit

    named = urlsplit(options.data_url or "").hostname
    return frozenset({"localhost", "127.0.0.1", "[::1]", name_of(options.data_host), *([named] if named else [])})
