"""`octo version`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

import octo
from octo.cli.terminal import say


@click.command("version")
def command() -> None:
    """Print the version and when this copy was built."""
    built = datetime.fromtimestamp(int(Path(octo.__file__).stat().st_mtime), UTC)
    say(f"octo {octo.__version__} (built {built:%Y-%m-%dT%H:%M:%SZ})")
