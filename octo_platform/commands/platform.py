"""`octo platform`: serve the platform, and look after what it keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from octo.cli.help import Verbs
from octo.cli.terminal import give, say
from octo_platform.options import Options

F = TypeVar("F", bound=Callable[..., Any])
Targets = click.Choice(["local", "kubernetes"])


def place_options(command: F) -> F:
    """The options that say which installation is meant."""
    for each in (
        click.option(
            "--config",
            type=click.Path(path_type=Path),
            envvar="OCTO_PLATFORM_CONFIG",
            help="YAML file with options in camelCase, and the mapping of `oidc`; flags and variables win over it.",
        ),
        click.option(
            "--database",
            metavar="PLACE",
            envvar="OCTO_PLATFORM_DATABASE",
            help="`sqlite:PATH` or `postgresql://USER@HOST/NAME`; default: a file in the folder. With a password only "
            "as $OCTO_PLATFORM_DATABASE.",
        ),
        click.option(
            "--folder",
            type=click.Path(path_type=Path),
            envvar="OCTO_PLATFORM_FOLDER",
            help="Where everything is kept; default ~/.octo/platform.",
        ),
    ):
        command = each(command)
    return command


@click.group(
    "platform",
    cls=Verbs,
    invoke_without_command=True,
    epilog="Example: octo platform --folder .octo/platform",
    context_settings={"auto_envvar_prefix": None},
)
@place_options
@click.option("--host", envvar="OCTO_PLATFORM_HOST", help="Where it listens; default 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), envvar="OCTO_PLATFORM_PORT", help="Default 8321.")
@click.option("--data-host", envvar="OCTO_PLATFORM_DATA_HOST", help="Where deployments reach it; default 127.0.0.1.")
@click.option(
    "--data-port",
    type=click.IntRange(0, 65535),
    envvar="OCTO_PLATFORM_DATA_PORT",
    help="Where deployments reach what they keep; default 8322.",
)
@click.option("--data-url", metavar="URL", envvar="OCTO_PLATFORM_DATA_URL", help="The same, for other machines.")
@click.option(
    "--public-url",
    metavar="URL",
    envvar="OCTO_PLATFORM_PUBLIC_URL",
    help="Where browsers reach it, e.g. https://octo.example.com: no other name is answered.",
)
@click.option(
    "--trusted-proxy",
    "trusted_proxies",
    metavar="NETWORK",
    multiple=True,
    envvar="OCTO_PLATFORM_TRUSTED_PROXIES",
    help="Network of proxies whose X-Forwarded-For says who asks, e.g. 10.42.0.0/16; may be given twice.",
)
@click.option(
    "--insecure-local",
    is_flag=True,
    default=None,
    envvar="OCTO_PLATFORM_INSECURE_LOCAL",
    help="Everybody on this machine may everything, without signing in. Only at a loopback host.",
)
@click.option(
    "--target",
    "targets",
    type=Targets,
    multiple=True,
    envvar="OCTO_PLATFORM_TARGETS",
    help="Where it deploys to; may be given twice. Default: local.",
)
@click.option(
    "--base-domain",
    envvar="OCTO_PLATFORM_BASE_DOMAIN",
    help="Deployments that are exposed get a name below it, where their environment says no other.",
)
@click.option("--runtime-image", envvar="OCTO_PLATFORM_RUNTIME_IMAGE", help="Image of the pods of deployments.")
@click.option(
    "--progress-deadline",
    type=click.FloatRange(1, 86_400),
    envvar="OCTO_PLATFORM_PROGRESS_DEADLINE",
    help="Seconds after which a version that is not ready has failed; default 120.",
)
@click.option(
    "--audit-days",
    type=click.IntRange(1, 36_500),
    envvar="OCTO_PLATFORM_AUDIT_DAYS",
    help="Days that the audit log keeps an entry; default 365.",
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Format of the log lines on stderr.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warn", "warning", "error"], case_sensitive=False),
    help="Lowest level that is logged; default $LOG_LEVEL, else info.",
)
@click.pass_context
def command(
    ctx: click.Context, /, config: Path | None, log_format: str | None, log_level: str | None, **given: Any
) -> None:
    """Run the platform until stopped: its API and pages on one port, deployments on this machine or on Kubernetes.

    Without options everything is kept in ~/.octo/platform, on SQLite. The first start prints a link with which one
    becomes its administrator. Secrets come from variables, or from files that the same variable with `_FILE` names:
    OCTO_PLATFORM_KEYS (see `octo platform key`), OCTO_PLATFORM_OIDC_CLIENT_SECRET.

    SIGINT and SIGTERM end it cleanly: requests under way and deployments finish. A second signal does not wait for
    requests.
    """
    if ctx.invoked_subcommand is not None:
        if named := [each for each in ("config", "folder", "database") if ctx.get_parameter_source(each) == _TYPED]:
            raise click.UsageError(f"write --{named[0]} behind the command: octo platform {ctx.invoked_subcommand}")
        return
    from octo.core.descriptors import raise_limit
    from octo.core.log import configure
    from octo_platform.commands import serving

    options = chosen(ctx, config, given)
    configure(log_level, log_format)
    raise_limit()
    with serving.refusals(options):
        serving.run(options)


_TYPED = click.core.ParameterSource.COMMANDLINE


def chosen(ctx: click.Context, config: Path | None, given: dict[str, Any]) -> Options:
    """The options of a command. Raises click.UsageError."""
    from octo_platform.commands.chosen import options

    database = given.get("database") or ""
    if ctx.get_parameter_source("database") == _TYPED and _has_password(database):
        text = "--database: everybody on this machine can read a password there: set OCTO_PLATFORM_DATABASE instead"
        raise click.UsageError(text)
    return options(given, config)


def _has_password(place: str) -> bool:
    return "@" in place and ":" in place.partition("://")[2].rpartition("@")[0]


@command.command("key")
def key() -> None:
    """Make a key that seals what is stored, and print it, for OCTO_PLATFORM_KEYS.

    To rotate, write the new key before the old one, separated by a blank, start all processes anew, and run
    `octo platform rotate`. Then the old one is not needed any more.
    """
    from octo_platform.storage.sealing import new_key

    give(f"{new_key()}\n".encode())


@command.command("rotate")
@place_options
@click.pass_context
def rotate(ctx: click.Context, /, config: Path | None, **given: Any) -> None:
    """Seal everything that is stored sealed with the newest key. It may be repeated, also while the platform runs."""
    from octo_platform.commands import rotation, serving

    options = chosen(ctx, config, given)
    with serving.refusals(options):
        counts = asyncio.run(rotation.rotate(options))
    total = sum(counts.values())
    nothing = "everything is sealed with the first key already; those behind it are not needed"
    say(nothing if not total else f"sealed anew with the first key: {_counted(counts.items())}")


def _counted(counts: Sequence[tuple[str, int]] | Any) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts if count)


@command.command("migrate")
@place_options
@click.option("--to", default="head", show_default=True, metavar="REVISION", help="An earlier form, to go back.")
@click.pass_context
def migrate(ctx: click.Context, /, config: Path | None, to: str, **given: Any) -> None:
    """Bring the tables to the form of this release, which a start does too; or back, before an older release starts.

    Going back loses what the older form cannot hold. Stop the platform first.
    """
    from octo_platform.commands import serving

    options = chosen(ctx, config, given)
    with serving.refusals(options):
        form = asyncio.run(serving.migrated(options, to))
    say(f"the database has the form {form}")
