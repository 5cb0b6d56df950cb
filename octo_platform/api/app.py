"""The application: all routes, behind one guard."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import FastAPI

from octo import __version__
from octo_platform.api import failures, health
from octo_platform.api.guard import Guard, name_of
from octo_platform.audit import routes as audit
from octo_platform.deployments import routes as deployments, watching
from octo_platform.environments import routes as environments
from octo_platform.installation import Installation
from octo_platform.integrations import files, folders, routes as integrations, versions
from octo_platform.mcp import routes as mcp
from octo_platform.options import Options
from octo_platform.pages import routes as pages
from octo_platform.secrets import routes as secrets
from octo_platform.sessions import device, keys, oidc, session, setup
from octo_platform.users import members, users
from octo_platform.web.routing import Routes
from octo_platform.workspaces import routes as workspaces

PREFIX = "/api/v1"
_LOCAL = ("localhost", "127.0.0.1", "[::1]")

SLICES: tuple[Routes, ...] = (
    health.routes,
    workspaces.routes,
    folders.routes,
    integrations.routes,
    files.routes,
    versions.routes,
    environments.routes,
    secrets.routes,
    deployments.routes,
    watching.routes,
    audit.routes,
    setup.routes,
    session.routes,
    keys.routes,
    device.routes,
    users.routes,
    members.routes,
)

OUTSIDE: tuple[Routes, ...] = (oidc.routes, mcp.routes)
"""Where browsers are sent, and where assistants ask; these paths are no part of the versioned API."""


def create_app(installation: Installation) -> FastAPI:
    """The application of an installation that is open."""
    app = FastAPI(
        title="Octo platform",
        version=__version__,
        summary="Store, version, deploy and watch integrations.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        strict_content_type=True,
    )
    app.state.installation = installation
    for each in SLICES:
        app.include_router(each, prefix=PREFIX)
    for each in OUTSIDE:
        app.include_router(each)
    app.include_router(pages.router())
    failures.install(app)
    options = installation.options
    app.add_middleware(
        Guard,
        hosts=hosts_of(options),
        is_secure=options.url.startswith("https:"),
        proxies=options.trusted_proxies,
    )
    return app


def hosts_of(options: Options) -> frozenset[str]:
    """The names by which the platform may be called: its own, and those of this machine if it listens only there."""
    own = urlsplit(options.url).hostname or ""
    local = _LOCAL if options.host in ("127.0.0.1", "localhost", "::1") else ()
    return frozenset({name_of(own), *local, *(each.lower() for each in options.hosts)})
