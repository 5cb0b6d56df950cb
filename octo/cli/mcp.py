"""`octo mcp`: flows, or the folder that they are in, as servers of the Model Context Protocol."""

from __future__ import annotations

import click

from octo.cli.author import command as author
from octo.cli.publish import command as publish


class _Mcp(click.Group):
    """`octo mcp FILE` offers the flows of a file; `octo mcp author` is another server."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] != ["author"]:
            args = [publish.name or "", *args]
        return super().parse_args(ctx, args)


command = _Mcp("mcp", commands=[publish, author], help=publish.help)
