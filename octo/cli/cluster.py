"""`octo cluster`: the processes that use the same services, what they lead, and which versions they run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import click

from octo.cli import exits
from octo.cli.help import Verb
from octo.cli.places import DURABLE, is_chosen, is_not_made, services_of, services_option
from octo.cli.project import counted, refusals
from octo.cli.terminal import give, say
from octo.core import codec
from octo.core.printable import printable
from octo.services.container import Services
from octo.services.members import SEEN, SILENT

Told = Mapping[str, Any]


class Seen(NamedTuple):
    """members: what each tells of itself. ticks: what is known of the ticks of each flow with a schedule."""

    members: Sequence[Told]
    ticks: Sequence[Told]


@click.command(
    "cluster",
    cls=Verb,
    epilog="""\b
Examples:
  octo cluster --services postgresql://octo@db/octo
  octo cluster --json | jq '.members[].config'""",
)
@services_option(DURABLE)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(services: str | None, storage_dir: str | None, as_json: bool) -> None:
    """Show the cluster: all `octo run` that use the same services.

    For each member: where it runs, since when, the version of Octo and of the flow files, and what it leads, with the
    fencing token. For each flow with a schedule: its last tick, and who ran it. A member that is killed or cut off is
    gone after 30 seconds; one that has not been heard of for 15 is `silent`.
    """
    found = services_of(services, storage_dir, DURABLE)
    if not found.outlive("key-value"):
        raise click.UsageError("services in memory are those of one process, which has no cluster: name others")
    with refusals(exits.FAILED):
        seen = Seen((), ()) if is_not_made(services, storage_dir, DURABLE) else asyncio.run(_seen(found))
    if as_json:
        give(codec.write(_value(seen)) + b"\n", json=True)
        return
    for line in _lines(seen, datetime.now(UTC)):
        say(printable(line))
    if not seen.members and not is_chosen(services, storage_dir):
        say(f"these are {DURABLE}; --services names others", fg="yellow", err=True)


async def _seen(services: Services) -> Seen:
    from octo.services.members import entries, members

    async with services:
        await services.open(["key-value"])
        store: Any = services.opened["key-value"]
        found = [each for each in await members(store) if "id" in each]
        ticks = [each for each in await entries(store, "cron") if each.get("tick") is not None]
    return Seen(
        sorted(found, key=lambda each: (_text(each, "service"), _text(each, "started"), each["id"])),
        sorted(ticks, key=lambda each: (_text(each, "service"), _text(each, "flow"))),
    )


# --- as a value --------------------------------------------------------------------------------------------------


def _value(seen: Seen) -> dict[str, object]:
    ticks = [
        {
            "service": each.get("service"),
            "flow": each.get("flow"),
            "schedule": each.get("schedule"),
            "tick": _moment(each["tick"]),
            "by": each.get("by") or None,
        }
        for each in seen.ticks
    ]
    return {"members": list(seen.members), "versions": _versions(seen.members), "ticks": ticks}


def _versions(members: Sequence[Told]) -> dict[str, dict[str, int]]:
    """By service, how many members run each version of its files."""
    found: dict[str, dict[str, int]] = {}
    for each in members:
        counts = found.setdefault(_text(each, "service"), {})
        counts[_text(each, "config")] = counts.get(_text(each, "config"), 0) + 1
    return found


def _moment(microseconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds").replace("+00:00", "Z")


def _text(told: Told, name: str) -> str:
    return str(told.get(name) or "")


# --- for people --------------------------------------------------------------------------------------------------


def _lines(seen: Seen, now: datetime) -> Iterator[str]:
    if not seen.members:
        yield "no members: no `octo run` uses these services now"
    else:
        heads = ("member", "service", "config", "octo", "host", "pid", "up", "operations")
        yield from _table([heads, *(_row(each, now) for each in seen.members)])
        yield from _led(seen.members)
        yield from _upgrades(seen.members)
    if seen.ticks:
        yield ""
        rows = [
            (_text(each, "service"), _text(each, "flow"), _moment(each["tick"]), _text(each, "by") or "-")
            for each in seen.ticks
        ]
        yield from _table([("service", "scheduled flow", "last tick", "run by"), *rows])


def _row(told: Told, now: datetime) -> Sequence[str]:
    number = f"/{told['process']}" if told.get("process") else ""
    phase = "" if told.get("phase") == "running" else f" {_text(told, 'phase')}"
    if (late := _seconds(_text(told, SEEN), now)) is not None and late > SILENT:
        phase = f" silent {late}s"
    return (
        *(_text(told, "id"), _text(told, "service"), _text(told, "config"), _text(told, "octo"), _text(told, "host")),
        *(f"{told.get('pid')}{number}", _since(_text(told, "started"), now) + phase, _text(told, "admin") or "-"),
    )


def _seconds(moment: str, now: datetime) -> int | None:
    try:
        return max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
    except (ValueError, TypeError):
        return None


def _since(started: str, now: datetime) -> str:
    seconds = _seconds(started, now)
    if seconds is None:
        return "?"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _led(members: Sequence[Told]) -> Iterator[str]:
    rows = [
        (each["id"], about, str(token))
        for each in members
        if isinstance(leads := each.get("leads"), dict)
        for about, token in leads.items()
    ]
    if rows:
        yield ""
        yield from _table([("member", "leads", "token"), *rows])


def _upgrades(members: Sequence[Told]) -> Iterator[str]:
    for service, counts in _versions(members).items():
        if len(counts) > 1:
            told = ", ".join(f"{counted(count, 'member')} with {version}" for version, count in counts.items())
            yield ""
            yield f"{service} runs in {len(counts)} versions: {told}"


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
