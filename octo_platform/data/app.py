"""The application of deployments.

It listens apart from the API: flows, and whoever takes one over, never reach what people and administrators use.
"""

from __future__ import annotations

from fastapi import FastAPI

from octo import __version__
from octo_platform.data.plane import Plane
from octo_platform.data.routes import key_value, leases, own, queues, topics

PREFIX = "/data/v1"


def create_data_app(plane: Plane) -> FastAPI:
    """The application that deployments reach."""
    app = FastAPI(
        title="Octo data plane",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.plane = plane
    for each in (own, key_value, leases, queues, topics):
        app.include_router(each.routes, prefix=PREFIX)
    return app
