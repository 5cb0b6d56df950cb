"""Builds the desired state of a deployment from what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from octo_platform.deploy.desired import DataPlane, Desired, Egress, Exposure
from octo_platform.deploy.targets import Place
from octo_platform.deployments import releases
from octo_platform.deployments.settings import Facts, Settings, port_of, secrets_needed
from octo_platform.environments import services
from octo_platform.environments.settings import KubernetesSettings
from octo_platform.flows.archive import unpacked
from octo_platform.installation import Installation
from octo_platform.options import Options
from octo_platform.problem import Problem
from octo_platform.storage import secrets
from octo_platform.storage.tables import Bundle, Deployment, Environment, Integration, Version, Workspace

_PORTS = {"http": 80, "https": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "amqp": 5672, "amqps": 5671}


async def place_of(session: AsyncSession, row: Environment) -> Place:
    workspace = await session.get_one(Workspace, row.workspace_id)
    return Place(row.id, workspace.name, row.target, row.settings)


async def desired(session: AsyncSession, installation: Installation, row: Deployment) -> Desired:
    """The deployment as it shall be. Raises `Problem` or `Unsealable` if a secret is gone."""
    release = await releases.release(session, row)
    settings = releases.settings_of(release)
    version = await session.get_one(Version, release.version_id)
    bundle = await session.get_one(Bundle, version.hash)
    environment = await session.get_one(Environment, row.environment_id)
    return Desired(
        deployment=row.id,
        workspace=(await session.get_one(Workspace, row.workspace_id)).name,
        environment=environment.name,
        integration=(await session.get_one(Integration, row.integration_id)).name,
        slug=row.slug,
        generation=row.generation,
        tag=version.tag,
        hash=version.hash,
        files=unpacked(bundle.archive),
        variables=settings.variables,
        secrets=await _secrets(session, installation, environment, bundle.facts, settings),
        port=port_of(bundle.facts),
        listens=tuple(listens(bundle.facts, settings)),
        replicas=0 if row.wanted == "paused" else settings.replicas,
        restart=settings.restart,
        in_flight=settings.in_flight,
        drain=settings.drain,
        resources=settings.resources,
        egress=tuple(egress(bundle.facts, settings)),
        exposure=_exposure(environment, row),
        data=_data(installation, environment, row),
        services=await _services(session, installation, environment),
    )


async def _secrets(
    session: AsyncSession, installation: Installation, environment: Environment, facts: Facts, settings: Settings
) -> dict[str, SecretStr]:
    needed = secrets_needed(facts, settings)
    rows = await secrets.found(session, environment, needed.values())
    values = secrets.opened(installation.keyring, rows.values())
    return {name: values[here] for name, here in needed.items() if here in values}


async def _services(session: AsyncSession, installation: Installation, environment: Environment) -> str | None:
    text: str | None = environment.settings.get("services")
    if text is None or not (names := services.names(environment.settings)):
        return text
    values = secrets.opened(installation.keyring, (await secrets.found(session, environment, names)).values())
    if missing := [each for each in names if each not in values]:
        raise Problem("no-such-secret", f"the services of {environment.name} need the secrets {', '.join(missing)}")
    return services.filled(text, values)


def egress(facts: Facts, settings: Settings) -> list[Egress]:
    """Where the flows connect to. What only a variable tells is read from its value here, or from its default."""
    defaults = {each["name"]: each.get("default") for each in facts.get("variables", ())}
    values = {**{name: value for name, value in defaults.items() if value}, **settings.variables}
    return [each for given in facts.get("reaches", ()) if (each := _egress(given, values)) is not None]


def _egress(given: Mapping[str, Any], values: Mapping[str, str]) -> Egress | None:
    host, port = given.get("host"), given.get("port")
    for name in given.get("variables", ()):
        if (host is None or port is None) and (value := values.get(name)):
            host, port = _address(value, host, port)
    port = port or _PORTS.get(given.get("scheme") or "")
    return Egress(connector=given["connector"], host=host, port=port) if isinstance(port, int) else None


def _address(value: str, host: str | None, port: int | None) -> tuple[str | None, int | None]:
    """Host and port of a URL, or of `host:port`."""
    scheme, has_scheme, rest = value.rpartition("://")
    where = rest.partition("/")[0].rpartition("@")[2]
    name, _, number = where.rpartition(":") if where.rpartition(":")[2].isdigit() else (where, "", "")
    found = int(number) if number and 0 < int(number) < 65_536 else _PORTS.get(scheme) if has_scheme else None
    return host or name or None, port or found


def listens(facts: Facts, settings: Settings) -> Iterator[int]:
    """The ports that the flows name. What a variable tells is read from its value here, or from its default."""
    for each in facts.get("listens", ()):
        port = str(settings.variables.get(each.get("variable") or "") or each.get("default") or each.get("port"))
        if port.isdecimal() and int(port) < 65_536:
            yield int(port)


def _exposure(environment: Environment, row: Deployment) -> Exposure | None:
    if row.host is None:
        return None
    settings = KubernetesSettings.model_validate(environment.settings)
    return Exposure(
        host=row.host,
        way=settings.way,
        ingress_class=settings.ingress_class,
        gateway=settings.gateway,
        tls=settings.tls,
        issuer=settings.issuer,
        secret=settings.tls_secret,
    )


def _data(installation: Installation, environment: Environment, row: Deployment) -> DataPlane | None:
    """Where the deployment keeps things. None if it cannot be reached from there."""
    options = installation.options
    url = here(options) if environment.target == "local" else options.data_url
    if not row.token or url is None:
        return None
    token = installation.keyring.open(token_place(row.id), row.token)
    return DataPlane(url=url, token=SecretStr(token.decode()))


def here(options: Options) -> str:
    """The address of the data plane on this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.data_host, options.data_host)  # noqa: S104  not listened at
    return f"http://{f'[{host}]' if ':' in host else host}:{options.data_port}"


def token_place(deployment: str) -> str:
    """What the sealed token of a deployment is bound to."""
    return f"deployment/{deployment}/token"
