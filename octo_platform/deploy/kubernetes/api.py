"""The API server, asked for objects of one namespace. Every request ends in time, and what goes wrong has two names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2
import msgspec
from lightkube import ApiError, AsyncClient
from lightkube.config import client_adapter
from lightkube.core.exceptions import ConfigError, NotReadyError
from lightkube.types import CascadeType, PatchType

from octo_platform.deploy.kubernetes.configuration import configuration
from octo_platform.deploy.kubernetes.kinds import KINDS
from octo_platform.deploy.kubernetes.manifests.names import PLATFORM, Manifest
from octo_platform.deploy.target import Refused, Unreachable

SECONDS = 20.0
"""How long a request may take."""

Found = TypeVar("Found")

_CHUNK = 250
_UNKNOWN = "404 page not found"
_TEXT = 1000
_TIMES = httpx2.Timeout(10.0)
_BRIEF = httpx2.Timeout(3.0)


class Gone(Exception):
    """The API server does not remember so far back: list anew."""


class Api:
    """inside: whether this process runs in the cluster, where it reaches pods by their addresses."""

    def __init__(self, client: AsyncClient, stream: httpx2.AsyncClient, namespace: str, *, inside: bool) -> None:
        self._client = client
        self._stream = stream
        self.namespace = namespace
        self.inside = inside

    @classmethod
    @asynccontextmanager
    async def open(
        cls, namespace: str, kubeconfig: Path | None = None, context: str | None = None
    ) -> AsyncIterator[Self]:
        """kubeconfig: None for the account of the pod that this process runs in; no other file is looked for."""
        config = configuration(kubeconfig, context)
        with translated("the API server"):
            client = AsyncClient(config=config, namespace=namespace, timeout=_TIMES, field_manager=PLATFORM)
            stream = client_adapter.AsyncClient(config, client_adapter.ConnectionParams(timeout=_TIMES))
        async with client, stream:
            yield cls(client, stream, namespace, inside=kubeconfig is None)

    async def get(self, kind: str, name: str) -> Manifest | None:
        async def ask() -> Manifest:
            return _plain(await self._client.get(KINDS[kind], name))

        try:
            return await self._asked(f"{kind} {name!r}", ask)
        except _Missing:
            return None

    async def find(
        self, kind: str, labels: Mapping[str, str], fields: Mapping[str, str] | None = None
    ) -> list[Manifest]:
        """Nothing if the cluster has no such kind: a Gateway is something that one installs."""
        return (await self.snapshot(kind, labels, fields))[0]

    async def snapshot(
        self, kind: str, labels: Mapping[str, str], fields: Mapping[str, str] | None = None
    ) -> tuple[list[Manifest], str]:
        """What there is, and the version from which on `watch` tells of changes."""

        async def ask() -> tuple[list[Manifest], str]:
            found = self._client.list(KINDS[kind], labels=dict(labels), fields=dict(fields or {}), chunk_size=_CHUNK)
            return [_plain(each) async for each in found], found.resourceVersion

        try:
            return await self._asked(f"the list of {kind}s", ask)
        except _Missing:
            return [], ""

    async def apply(self, manifest: Manifest, *, force: bool) -> Manifest:
        """Server-side apply. force: take fields from who else has set them; without it that is refused.

        With it there is a conflict only if the object was replaced meanwhile, which is another thing the next time.
        """
        kind, name = manifest["kind"], manifest["metadata"]["name"]

        async def ask() -> Manifest:
            applied = await self._client.patch(
                KINDS[kind], name, manifest, patch_type=PatchType.APPLY, field_manager=PLATFORM, force=force
            )
            return _plain(applied)

        try:
            return await self._asked(f"{kind} {name!r}", ask, quiet=kind == "Secret", passes=force)
        except _Missing as missing:
            raise Refused(f"{kind} {name!r}: {missing}; the namespace and the kind must be there before") from None

    async def patch(self, kind: str, name: str, operations: list[Manifest]) -> Manifest:
        """A JSON patch, which names the version of the object that it is for."""

        async def ask() -> Manifest:
            patched = await self._client.patch(
                KINDS[kind], name, operations, patch_type=PatchType.JSON, field_manager=PLATFORM
            )
            return _plain(patched)

        try:
            return await self._asked(f"{kind} {name!r}", ask, passes=True)
        except _Missing:
            raise Unreachable(f"{kind} {name!r} was removed meanwhile") from None

    async def delete(self, kind: str, name: str, *, foreground: bool = False) -> None:
        cascade = CascadeType.FOREGROUND if foreground else CascadeType.BACKGROUND

        async def ask() -> None:
            await self._client.delete(KINDS[kind], name, cascade=cascade)

        try:
            await self._asked(f"{kind} {name!r}", ask, quiet=kind == "Secret")
        except _Missing:
            return

    async def watch(self, kind: str, labels: Mapping[str, str], version: str, idle: float) -> AsyncGenerator[Manifest]:
        """Each change after a version, until nothing has come for `idle` seconds. Raises `Gone` if that is too old.

        Silence is no proof that nothing happens, so it never lasts: a connection that is dead without a word looks
        just the same.
        """
        changes = self._client.watch(
            KINDS[kind], labels=dict(labels), resource_version=version, server_timeout=int(idle * 0.8)
        )
        async with aclosing(aiter(changes)) as ticks:  # type: ignore[type-var]
            while True:
                with translated(f"the changes of {kind}s"):
                    try:
                        async with asyncio.timeout(idle):
                            _, found = await anext(ticks)
                    except (TimeoutError, StopAsyncIteration):
                        return
                    except httpx2.HTTPStatusError as error:
                        if told(error)[0] == 410:
                            raise Gone from None
                        raise
                yield _plain(found)

    @asynccontextmanager
    async def read(
        self, path: str, params: Mapping[str, str | int] | str, idle: float | None
    ) -> AsyncIterator[httpx2.Response]:
        """GET a path below the namespace, to be read as it comes. idle: seconds it may be silent; None: for ever."""
        query = params if isinstance(params, str) else str(httpx2.QueryParams(dict(params)))
        url = f"/api/v1/namespaces/{self.namespace}/{path}" + (f"?{query}" if query else "")
        with translated(path):
            async with self._stream.stream("GET", url, timeout=httpx2.Timeout(10.0, read=idle)) as response:
                yield response

    @asynccontextmanager
    async def direct(self, url: str, token: str, idle: float) -> AsyncIterator[httpx2.Response]:
        """GET from a pod itself. No variable of the environment sends that through a proxy."""
        headers = {"Authorization": f"Bearer {token}"}
        with translated(url):
            async with (
                httpx2.AsyncClient(trust_env=False, timeout=idle) as client,
                client.stream("GET", url, headers=headers) as response,
            ):
                yield response

    async def who(self) -> str:
        """The name by which the API server knows this process; "" if it is too old to tell. It has little time."""
        body = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}

        async def ask() -> str:
            url = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
            response = await self._stream.post(url, json=body, timeout=_BRIEF)
            response.raise_for_status()
            return str(response.json()["status"]["userInfo"]["username"])

        try:
            return await self._asked("the API server", ask)
        except _Missing:
            return ""

    async def _asked(
        self, what: str, ask: Callable[[], Awaitable[Found]], *, quiet: bool = False, passes: bool = False
    ) -> Found:
        """The answer. One that forbids something is believed of a server that was ready before it was asked.

        A server that has just begun has not read yet who may what, and forbids everything.
        """
        with translated(what, quiet=quiet, passes=passes):
            async with asyncio.timeout(SECONDS):
                try:
                    return await ask()
                except httpx2.HTTPStatusError as error:
                    if told(error)[0] != 403:
                        raise
                    if not (await self._stream.get("/readyz")).is_success:
                        text = "forbidden" if quiet else told(error)[1]
                        raise Unreachable(f"{what}: {text}, and the API server is not ready") from None
                return await ask()


def _plain(found: Any) -> Manifest:
    """The object as the dictionary that it is in JSON."""
    plain: Manifest = found.to_dict()
    if not plain["metadata"]["name"]:
        raise ValueError("an object without a name")
    return plain


# --- what goes wrong -------------------------------------------------------------------------------------------------


class _Missing(Exception):
    """There is no such object, namespace or kind."""


@contextmanager
def translated(what: str, *, quiet: bool = False, passes: bool = False) -> Iterator[None]:
    """Turn what the client raises into `Unreachable` or `Refused`.

    quiet: the server's own words may have a secret. passes: a conflict is one that the next try does not meet.
    """
    try:
        yield
    except httpx2.HTTPStatusError as error:
        raise _of_answer(what, error, quiet=quiet, passes=passes) from None
    except (httpx2.HTTPError, httpx2.StreamError, TimeoutError, OSError) as error:
        raise Unreachable(f"{what}: the cluster does not answer ({type(error).__name__})") from None
    except (msgspec.MsgspecError, ValueError, LookupError, AttributeError, NotReadyError) as error:
        # The client looks into answers without a doubt: a page of a proxy has no `metadata`, and maybe no content type.
        raise Unreachable(f"{what}: what answered is no API server ({type(error).__name__})") from None
    except ConfigError as error:
        raise Unreachable(f"{what}: no credentials: {str(error)[:200]}") from None


def _of_answer(what: str, error: httpx2.HTTPStatusError, *, quiet: bool, passes: bool) -> Exception:
    status, text = told(error)
    if quiet:
        text = f"the API server answered {status}"
    if status == 404:
        # A kind that is not installed is answered without a `Status`, in just these words; a proxy has others.
        if (isinstance(error, ApiError) and error.status is not None) or _said(error) == _UNKNOWN:
            return _Missing(text)
        return Unreachable(f"{what}: what answered 404 is no API server")
    if passes and (status == 409 or (status == 422 and "metadata.uid" in text)):
        return Unreachable(f"{what}: somebody else changed it at the same time")
    if status in {401, 408, 429} or status >= 500 or status < 400:
        return Unreachable(f"{what}: the cluster does not answer now ({status})")
    return Refused(f"{what}: {text}")


def _said(error: httpx2.HTTPStatusError) -> str:
    try:
        return error.response.text.strip()
    except httpx2.StreamError:  # it was not read
        return ""


def told(error: httpx2.HTTPStatusError) -> tuple[int, str]:
    """The status of an answer that is an error, and the API server's words, if they are its."""
    if isinstance(error, ApiError) and error.status is not None:
        return error.status.code or 500, (error.status.message or "refused")[:_TEXT]
    return error.response.status_code, f"the API server answered {error.response.status_code}"
