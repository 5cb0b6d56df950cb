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


class Unnamed(Verb):
    """A command that is meant where its group is typed alone."""

    class Context(click.Context):
        @property
        def command_path(self) -> str:
            return self.parent.command_path if self.parent else super().command_path

    context_class = Context


class Verbs(click.Group):
    """A command that has commands, and knows what they are called elsewhere."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            from octo.cli import guesses

            meant = guesses.of_part(ctx.info_name or "", args[0], [*self.commands])
            hint = f"Did you mean {meant!r}?" if meant else f"There are: {', '.join(sorted(self.commands))}"
            ctx.fail(f"No such command {args[0][:80]!r}. {hint}")
        return super().resolve_command(ctx, args)
