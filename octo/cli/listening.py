"""`--port`: the port of the one HTTP server of a configuration, whatever its settings say."""

from __future__ import annotations

from octo.config import codes
from octo.config.documents import Config
from octo.core.errors import ConfigError, Position, Problem


def listening(config: Config, port: int) -> Config:
    """The configuration with this port for its only `http` connector. Raises ConfigError if there are none or several.

    A connector that no source uses opens its port too, so it counts.
    """
    servers = [each for each in config.connectors.values() if each.type.name == "http"]
    if len(servers) != 1:
        raise ConfigError([_not_one([each.name for each in servers])])
    [server] = servers
    moved = server._replace(settings=server.settings.model_copy(update={"port": port}))
    return config._replace(connectors={**config.connectors, server.name: moved})


def _not_one(names: list[str]) -> Problem:
    if not names:
        return Problem(codes.NO_PORT, Position("--port"), "there is no `http` connector", "leave --port out")
    listed = ", ".join(f"`{name}`" for name in names)
    hint = "write `port:` into their settings, e.g. `port: ${WEB_PORT}`"
    return Problem(codes.NO_PORT, Position("--port"), f"there are {len(names)} `http` connectors: {listed}", hint)
