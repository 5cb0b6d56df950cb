"""A cluster, as a kubeconfig or the account of the pod describes it."""

from __future__ import annotations

from pathlib import Path

from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.exceptions import ConfigError

from octo_platform.deploy.target import Refused


def configuration(kubeconfig: Path | None, context: str | None = None) -> SingleConfig:
    """kubeconfig: None for the account of the pod; context: None for the current one. Raises `Refused`."""
    where = "the account of the pod" if kubeconfig is None else str(kubeconfig)
    if kubeconfig is not None and not kubeconfig.exists():
        raise Refused(f"no cluster: there is no file {where}")
    try:
        found = KubeConfig.from_service_account() if kubeconfig is None else KubeConfig.from_file(kubeconfig)
        config = found.get(context)
    except ConfigError as error:
        raise Refused(f"no cluster: {where}: {error}") from None
    except Exception as error:  # noqa: BLE001 - the file may be anything, and may have credentials
        raise Refused(f"no cluster: {where} cannot be used ({type(error).__name__})") from None
    if config is None or config.user is None:
        raise Refused(f"no cluster: {where} names no user")
    return config


def shown(config: SingleConfig, kubeconfig: Path | None) -> str:
    """Which cluster it is, for people, without a password that a URL may have."""
    of = "the cluster of this pod" if kubeconfig is None else f"the context {config.context_name} of {kubeconfig}"
    return f"{of}, {config.cluster.server.rpartition('@')[2].rpartition('//')[2]}"
