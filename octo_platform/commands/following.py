"""Follows a deployment over its event stream until what was wanted runs, or has failed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import click
import httpx

from octo.cli.terminal import say
from octo_platform.commands.address import Address
from octo_platform.commands.client import Client, Refused, Unreachable

LINES = 20
_TRIES = 8
_MOST_BYTES = 8 << 20
"""Of one event."""


class Failed(click.ClickException):
    """It does not run. It has been said why."""

    exit_code = 1


class Interrupted(Failed):
    """Somebody waits no more."""

    exit_code = 130

    def __init__(self, place: Address) -> None:
        super().__init__(f"waiting no more; the platform goes on: octo deployments show {place}")


class Event(NamedTuple):
    """name: "" for an ordinary one. id: "" for one without."""

    name: str
    data: Any
    id: str = ""


def follow(client: Client, place: Address, generation: int, timeout: float, *, quiet: bool = False) -> dict[str, Any]:
    """Wait until a generation of a deployment was carried out, and return the deployment then.

    Each change of its state is a line on standard error. Raises `Failed` with the reasons if it did not become ready.
    """
    try:
        return _followed(client, place, generation, timeout, quiet=quiet)
    except KeyboardInterrupt:
        raise Interrupted(place) from None


def _followed(client: Client, place: Address, generation: int, timeout: float, *, quiet: bool) -> dict[str, Any]:
    told = ""
    for picture in _pictures(client, place, time.monotonic() + timeout):
        line = _line(picture)
        if line != told and not quiet:
            told = line
            say(f"  {line}", err=True)
        if picture["observedGeneration"] < generation and picture["generation"] == generation:
            continue
        release = _release(client, place, generation)
        if release is None or release["outcome"] == "":
            if picture["generation"] != generation:
                text = f"{place}: something else was wanted before it was ready; it goes on with {picture['tag']}"
                raise Failed(f"{text}: octo deployments releases {place}")
            continue
        if release["outcome"] == "failed":
            raise Failed(_why(client, place, picture, release))
        return picture
    raise AssertionError("pictures end with an exception")


def follow_end(client: Client, place: Address, deployment: str, timeout: float) -> None:
    """Wait until nothing of a deployment is left. Raises `Failed`."""
    path = f"{place.root}/deployments/{deployment}"
    try:
        for _ in _pictures(client, place, time.monotonic() + timeout, path=path):
            pass
    except KeyboardInterrupt:
        raise Interrupted(place) from None


def _pictures(client: Client, place: Address, end: float, path: str = "") -> Iterator[dict[str, Any]]:
    """The deployment whenever it has changed. A stream that breaks is opened again. It ends when the deployment does.

    Raises `Failed` after the deadline, which is noticed with the next event or sign of life.
    """
    broken = 0
    while True:
        try:
            with client.stream(f"{path or place.path}/events") as answer:
                for each in events(answer, end):
                    if each.name == "gone":
                        return
                    broken = 0
                    yield each.data
        except TimeoutError:
            raise Failed(f"{place} is not ready yet; the platform goes on: octo deployments show {place}") from None
        except (Unreachable, Refused) as error:
            code = error.code if isinstance(error, Refused) else "busy"
            if path and code == "not-found":
                return
            broken += 1
            if code != "busy" or broken > _TRIES or time.monotonic() > end:
                raise
        time.sleep(min(0.2 * 2**broken, 5.0))


def events(answer: httpx.Response, end: float = float("inf")) -> Iterator[Event]:
    """The events of a stream. Raises TimeoutError at the first line after `end`."""
    name, data, id_ = "", "", ""
    for line in answer.iter_lines():
        if time.monotonic() > end:
            raise TimeoutError
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "id":
            id_ = value
        elif field == "data":
            data += value
            if len(data) > _MOST_BYTES:
                raise Refused("", "an event of the platform is too large to be one")
        elif not line and data:
            try:
                yield Event(name, json.loads(data), id_)
            except ValueError:
                raise Refused("", "an event of the platform is no JSON") from None
            name, data, id_ = "", "", ""


def _line(picture: Mapping[str, Any]) -> str:
    """What is known in one line."""
    wanted = picture["settings"].get("replicas", picture["wanted"])
    line = f"{picture['phase']:<11}  {picture['ready']}/{wanted} ready"
    if picture["reasons"] and picture["phase"] != "running":
        first = picture["reasons"][0]
        line += f"  {first['code']}: {first['text'].partition(chr(10))[0][:100]}"
    return line


def _release(client: Client, place: Address, generation: int) -> dict[str, Any] | None:
    for each in client.pages(f"{place.path}/releases"):
        if each["generation"] <= generation:
            return each if each["generation"] == generation else None
    return None


def _why(client: Client, place: Address, picture: Mapping[str, Any], release: Mapping[str, Any]) -> str:
    lines = [f"{place} {release['tag']} did not become ready: {release['reason']}"]
    if last := last_lines(client, place):
        lines += ["", "the last lines of its log:", *(f"  {each}" for each in last)]
    if picture["generation"] > release["generation"]:
        lines += ["", f"it goes back to {picture['tag']}, which ran before"]
    return "\n".join(lines)


def last_lines(client: Client, place: Address) -> list[str]:
    """The newest lines of its log; none if they cannot be read, since something else is told first."""
    try:
        return [readable(each) for each in client.get(f"{place.path}/logs", lines=LINES)]
    except (Refused, Unreachable):
        return []


def readable(line: Mapping[str, Any]) -> str:
    """A line of a log for people: what the runtime writes as JSON becomes words."""
    text = line["text"]
    try:
        found = json.loads(text)
        message = found.pop("msg")
    except (ValueError, KeyError, AttributeError, TypeError):
        return f"{line['instance']}  {text}"
    moment, level = str(found.pop("time", "")), str(found.pop("level", ""))
    rest = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in found.items())
    return "  ".join(filter(None, [moment, line["instance"], level, f"{message} {rest}".strip()]))
