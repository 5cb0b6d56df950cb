"""How the help of a verb is laid out: what it does, examples, and only then its options, of which there may be many."""

from __future__ import annotations

import click


class Verb(click.Command):
    """A command whose epilog, its examples, stands before its options."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        self.format_epilog(ctx, formatter)
        self.format_options(ctx, formatter)
