"""Starts the platform, says where it is, and makes one line of each reason why it cannot start."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from octo import __version__
from octo.cli.terminal import say
from octo_platform.api.health import isolation
from octo_platform.api.serving import serve
from octo_platform.commands.lock import Locked, locked
from octo_platform.commands.openers import openers
from octo_platform.deploy.kubernetes.account import kubeconfig, own_namespace
from octo_platform.deploy.target import Refused, Unreachable
from octo_platform.enclosure.support import missing
from octo_platform.installation import Installation
from octo_platform.options import Options
from octo_platform.storage import migrating
from octo_platform.storage.database import opened, url_of
from octo_platform.storage.keys import NoKey
from octo_platform.storage.migrating import TooNew, UnknownForm
from octo_platform.storage.sealing import Unsealable
from octo_platform.storage.sole import Shared

log = logging.getLogger("octo.platform")


class Failure(click.ClickException):
    """Why it cannot start. code: 2 if what it was told is wrong, 1 if something else is."""

    exit_code = 1

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click reads it off the instance


def run(options: Options) -> None:
    """Serve until a signal. Raises what `refusals` takes."""
    if options.local_isolation == "required" and isolation(options) not in ("full", None):
        raise Failure(f"isolation-missing: --local-isolation required, but {_unkept()}", 2)
    if "kubernetes" in options.targets:
        _find_cluster()
    with locked(options):
        asyncio.run(serve(options, openers, _greet))


def _find_cluster() -> None:
    """Raises `Failure` unless something says where a cluster is. Whether it answers is another question."""
    from octo_platform.deploy.kubernetes.configuration import configuration

    try:
        configuration(kubeconfig())
    except Refused as error:
        advice = "name a kubeconfig in KUBECONFIG, run inside of a cluster, or leave out --target kubernetes"
        raise Failure(f"--target kubernetes: {error}; {advice}", 2) from None


async def migrated(options: Options, to: str) -> str:
    """Migrate, and return the revision that the database has then."""
    options.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    async with opened(url_of(options.place)) as database:
        await migrating.migrate(database, to)
        async with database.read() as session:
            if to == "base":
                return "base"
            return str(await session.scalar(text("SELECT version_num FROM alembic_version")))


@contextmanager
def refusals(options: Options) -> Iterator[None]:
    """Turn what keeps the platform from running into one line. What is no such reason stays an exception."""
    try:
        yield
    except (Locked, Shared, NoKey, Unsealable, TooNew, UnknownForm, SQLAlchemyError, OSError) as error:
        raise _failure(error, options) from None
    except ValueError as error:
        if "key is base64" not in str(error):
            raise
        raise Failure(f"OCTO_PLATFORM_KEYS: {error}; `octo platform key` makes one", 2) from None


def _failure(error: Exception, options: Options) -> Failure:
    match error:
        case Locked() | Shared():
            return Failure(str(error))
        case NoKey() | UnknownForm():
            return Failure(str(error), 2)
        case Unsealable():
            return Failure(f"wrong key: {error}; add it to OCTO_PLATFORM_KEYS, behind the newest", 2)
        case TooNew():
            return Failure(f"{error}; start the newer release, or let it go back: octo platform migrate --to")
        case SQLAlchemyError():
            reason = getattr(error, "orig", None)
            return _of_system(reason, options) if isinstance(reason, OSError) else Failure(_of_database(error, options))
        case _:
            assert isinstance(error, OSError)
            return _of_system(error, options)


def _of_system(error: OSError, options: Options) -> Failure:
    reason = error.strerror or str(error)
    place = str(error.filename or "")
    if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES) and ":" in place and "/" not in place:
        is_api = place == f"{options.host}:{options.port}"
        option = "--port" if is_api else "--data-port"
        if error.errno == errno.EADDRINUSE:
            return Failure(f"{place} is taken: stop what listens there, or choose another {option}")
        return Failure(f"it cannot listen at {place}: {reason}")
    if isinstance(error, ConnectionError | TimeoutError) or not place:
        return Failure(f"the database {_shown(options)} cannot be reached: {reason or type(error).__name__}")
    if error.errno == errno.EEXIST and place == str(options.folder):
        reason = "it is no folder"
    return Failure(f"{place} cannot be used: {reason}")


def _of_database(error: SQLAlchemyError, options: Options) -> str:
    reason = str(getattr(error, "orig", None) or error).partition("\n")[0]
    return f"the database {_shown(options)} cannot be used: {reason.rpartition('>: ')[2]}"


def _shown(options: Options) -> str:
    """Where the database is, without a password."""
    from sqlalchemy.engine import make_url

    if "://" not in options.place:
        return options.place
    return make_url(options.place).render_as_string(hide_password=True)


def _unkept() -> str:
    return f"on this system a deployment can {'; '.join(missing())}: it needs Linux 6.12 with Landlock and seccomp"


async def _greet(installation: Installation) -> None:
    """Say where it is, and how one becomes the first administrator."""
    options = installation.options
    url = options.url
    lines = [f"🐙 Octo platform {__version__}", f"   {url}"]
    width = max(len(each) for each in lines) + 3
    first = f"│ {lines[0]:<{width - 2}}│"  # the octopus is two columns wide
    say("\n".join([f"╭{'─' * width}╮", first, f"│ {lines[1]:<{width - 1}}│", f"╰{'─' * width}╯", ""]))
    if options.insecure_local:
        say("  No sign-in: whoever uses this machine may everything.\n", fg="yellow")
    elif (token := await installation.identity.setup_token()) is not None:
        say(f"  Become its administrator: {url}/setup#token={token}\n")
    if "kubernetes" in options.targets:
        await _tell_cluster()
    if (how := isolation(options)) == "off":
        say("  Deployments here may do what you may: --local-isolation is off.\n", fg="yellow")
    elif how in ("partial", "none"):
        log.warning("deployments are not wholly closed in", extra={"fields": {"isolation": how, "missing": missing()}})
        say(f"  Deployments here are {'closed in only in part' if how == 'partial' else 'not closed in'}:", fg="yellow")
        say(f"  {_unkept()}.\n", fg="yellow")
    if url.startswith("http:") and options.host not in ("127.0.0.1", "localhost", "::1"):
        say("  Without https, passwords and keys can be read on their way: set --public-url https://…\n", fg="yellow")
    say("  Ctrl-C stops.")


async def _tell_cluster() -> None:
    """Say where deployments go, unless an environment names another context, and whether that can be asked now."""
    from octo_platform.deploy.kubernetes.api import Api
    from octo_platform.deploy.kubernetes.configuration import configuration, shown

    where = shown(configuration(kubeconfig()), kubeconfig())
    try:
        async with Api.open(own_namespace(), kubeconfig()) as api:
            who = await api.who()
    except (Unreachable, Refused) as error:
        say(f"  Kubernetes: {where}\n  It cannot be read, and deployments wait until it can: {error}\n", fg="yellow")
        return
    say(f"  Kubernetes: {where}{f', as {who}' if who else ''}\n")
