"""Which dead letters a subcommand of `octo dlq` is asked about, and where it looks for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import click

from octo.cli import exits
from octo.cli.named import Named, is_path
from octo.cli.places import DURABLE, MEMORY, is_chosen, is_not_made, services_of, services_option
from octo.cli.project import counted, load_or_exit, refusals, verb
from octo.cli.stubs import load_stubbed
from octo.cli.terminal import say

if TYPE_CHECKING:
    from octo.config.documents import Config
    from octo.letters.groups import Chosen
    from octo.letters.places import Entry, Place
    from octo.services.container import Services

T = TypeVar("T")


class Asked(NamedTuple):
    """What all subcommands are asked: which letters, and where to look for them."""

    names: Sequence[str]
    path: Path | None
    queues: tuple[str, ...]
    services: str | None
    storage_dir: str | None

    @classmethod
    def of(cls, words: Sequence[str], given: dict[str, Any]) -> Self:
        """The words that are paths name the configuration, the others are ids and groups."""
        paths, names = [Path(each) for each in words if is_path(each)], [each for each in words if not is_path(each)]
        config = given.pop("config")
        if len(paths) + (config is not None) > 1:
            raise click.UsageError(f"name one flow file or folder, not also {str(paths[-1])!r}")
        return cls(names, config or next(iter(paths), None), **given)

    def config(self, stubs: Sequence[str] = (), *, needed: bool = False) -> Config | None:
        """The configuration; None if queues are named and no configuration is, unless it is needed."""
        if self.path is None and self.queues and not needed:
            return None
        from octo.cli.named import named

        path = named([self.path] if self.path else [], verb(), one=True).paths[0]
        return load_or_exit(path, lambda found: load_stubbed(Named((found,), services=self.services), stubs))

    def opened(self) -> Services:
        """The services. The default file is not made only to find that it is empty."""
        default = MEMORY if is_not_made(self.services, self.storage_dir, DURABLE) else DURABLE
        return services_of(self.services, self.storage_dir, default)

    @asynccontextmanager
    async def places(self, config: Config | None, services: Services | None = None) -> AsyncIterator[list[Place]]:
        """Where the letters are kept. At the end it says which lines of their files cannot be read."""
        from octo.letters import sought
        from octo.letters.places import InQueue

        async with services or self.opened() as opened:
            found = await sought.places(config, opened, self.queues)
            if any(isinstance(each, InQueue) for each in found) and not opened.outlive("queues"):
                self._tell_of_memory()
            yield found
            for each in found:
                if unreadable := getattr(each, "unreadable", 0):
                    say(f"{each.name}: {counted(unreadable, 'line')} cannot be read", fg="yellow", err=True)

    def _tell_of_memory(self) -> None:
        """The queues are those of this process alone: end if they were asked for, else say what is missing."""
        if is_chosen(self.services, self.storage_dir):
            raise click.UsageError("queues in memory are those of one process, which nobody else sees: name others")
        say(f"there is no {DURABLE} here; --services names other places", fg="yellow", err=True)

    def needs_names(self, *, everything: bool = False) -> None:
        """End if neither an id nor a group is named, or `everything` as well."""
        if everything and self.names:
            raise click.UsageError(f"--all is everything, so what is {self.names[0]!r}?")
        if not everything and not self.names:
            hint = "" if click.get_current_context().info_name == "show" else ", or --all"
            raise click.UsageError(f"name an id or a group{hint}; `octo dlq list` lists them")


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that all subcommands have; `Asked.of` reads them."""
    command = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)(
        command
    )
    command = services_option(DURABLE)(command)
    command = click.option("--queue", "-q", "queues", multiple=True, help="Only this queue; may be repeated.")(command)
    return click.option(
        "--config", "-c", type=click.Path(path_type=Path), help="Flow file or folder, as CONFIG; default: this folder."
    )(command)


async def entries(found: Sequence[Chosen]) -> AsyncIterator[Entry]:
    """The letters that were chosen."""
    for each in found:
        wanted = set(each.ids)
        async for entry in each.place.browse():
            if entry.id in wanted:
                yield entry


def result(work: Awaitable[T]) -> T:
    """The result. An error is printed, and ends the process."""

    async def main() -> T:
        return await work

    with refusals(exits.USAGE):
        return asyncio.run(main())
