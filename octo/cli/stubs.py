"""`--stubs`: the stubs of a test file answer instead of connectors, so that flows run without services."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from octo.cli.named import Named
from octo.cli.project import load
from octo.cli.terminal import say
from octo.config.documents import Config
from octo.config.walk import blocks_of, connectors_of
from octo.core.log import fields

stubs_option = click.option(
    "--stubs",
    multiple=True,
    metavar="FILE[::CASE]",
    help="Let the stubs of this test file, and of the case if one is named, answer instead of connectors.",
)


def load_stubbed(configuration: Path | Named, stubs: Sequence[str]) -> Config:
    """Read the configuration, with stubs in place of connectors if test files are named."""
    if not stubs:
        return load(configuration)
    from octo.suite.stubs import Asked, with_stubs

    def read(env: Mapping[str, str]) -> Config:
        return load(configuration, {**os.environ, **env})

    return with_stubs([Asked.parse(each) for each in stubs], read)


def files_of(stubs: Sequence[str]) -> list[Path]:
    """The test files that are named."""
    if not stubs:
        return []
    from octo.suite.stubs import Asked

    return [Asked.parse(each).file for each in stubs]


def warn_of_stubs(config: Config) -> None:
    """Log that connectors are not real, where nobody can miss it. Does nothing if all are real."""
    standing = [doc.name for doc in config.connectors.values() if doc.stub is not None]
    if not standing:
        return
    real = _called(config) - {*standing}
    logging.getLogger("octo.engine").warning(
        "connectors are stubs", extra=fields(stubs=", ".join(standing), real=", ".join(sorted(real)) or "none")
    )


def tell_of_stubs(config: Config, stubs: Sequence[str]) -> None:
    """Print which connectors answer from test files, and which are real."""
    standing = [doc.name for doc in config.connectors.values() if doc.stub is not None]
    if not standing:
        return
    say(f"NOT REAL: {', '.join(standing)}. Stubs of {', '.join(stubs)} answer.", fg="yellow", bold=True)
    if real := sorted(_called(config) - {*standing}):
        say(f"Real: {', '.join(real)}.", fg="yellow")


def _called(config: Config) -> set[str]:
    """The connectors that blocks use, without the log, which is no service."""
    called = {name for doc in config.flows.values() for block in blocks_of(doc) for name in connectors_of(block)}
    return {doc.name for doc in config.connectors.values() if doc.name in called and doc.type.name != "logger"}
