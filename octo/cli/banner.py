"""What `octo run` prints once the flows run: a box for everybody, and on a terminal where they are and what is off."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from octo import __version__
from octo.cli.project import counted
from octo.config.documents import Config, FlowDoc

MOST_FLOWS = 20
"""Flows that are listed; a page of them says less than their number."""


def box(config: Config) -> list[str]:
    """The three lines that scripts wait for; the same on a terminal and in a file."""
    name = f" {config.name}" if config.name else ""
    title = f"🐙 Octo {__version__}{name}"
    counts = f"   {counted(len(config.flows), 'flow')}, {counted(len(config.connectors), 'connector')}"
    if config.flows:
        counts += ", ready"
    width = max(len(title) + 1, len(counts)) + 2  # the octopus is two columns wide
    return [f"╭{'─' * width}╮", f"│ {title:<{width - 2}}│", f"│ {counts:<{width - 1}}│", f"╰{'─' * width}╯"]


def places(config: Config, instances: Mapping[str, Any], path: str = "") -> list[str]:
    """For each flow how messages come to it, URLs with the port that is really listened at.

    instances: the opened connectors by name. path: what `octo invoke` has to name, if it is not this folder.
    """
    listed = list(config.flows.items())
    where = f"{shlex.quote(path)} " if path else ""
    lines = aligned(
        [*(_way(name, doc, instances, where) for name, doc in listed[:MOST_FLOWS]), *_pages(config, instances)]
    )
    if len(listed) > MOST_FLOWS:
        lines.append(f"  ... and {counted(len(listed) - MOST_FLOWS, 'flow')} more")
    return lines


def _way(name: str, doc: FlowDoc, instances: Mapping[str, Any], where: str) -> tuple[str, ...]:
    if doc.source is None:
        return name, "call", f"octo invoke {where}{shlex.quote(name)}"
    kind, settings = doc.source.type.name, doc.source.settings
    url = getattr(instances.get(doc.source.connector), "url", None)
    if kind in ("http", "static") and isinstance(url, str):
        methods = getattr(settings, "methods", None) or (["any"] if kind == "http" else ["GET"])
        return name, ",".join(methods), f"{url}{getattr(settings, 'path', '')}"
    return name, kind, str(getattr(settings, "schedule", getattr(settings, "subject", "")))


def _pages(config: Config, instances: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """What a connector serves besides its flows: the OpenAPI document and the page that shows it."""
    for name, doc in config.connectors.items():
        url = getattr(instances.get(name), "url", None)
        for page in ("openapi", "docs"):
            if isinstance(url, str) and (path := getattr(doc.settings, page, "")):
                yield page, "GET", f"{url}{path}"


def off(*, watch: bool, traces: bool, blocks: bool) -> list[str]:
    """What is not switched on, each with the option that does it."""
    rows = (
        (watch, "watch", "--watch", "takes every save"),
        (traces, "traces", "--traces", "keeps each message, for `octo traces`"),
        (blocks, "blocks", "--metrics-blocks '*'", "measures each block, for `octo top`"),
    )
    return aligned([(name, "off", option, does) for is_on, name, option, does in rows if not is_on])


def aligned(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """The rows as lines, with the columns under one another."""
    rows = list(rows)
    columns = max((len(row) for row in rows), default=0)
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(columns)]
    return ["  " + "  ".join(f"{cell:<{widths[i]}}" for i, cell in enumerate(row)).rstrip() for row in rows]
