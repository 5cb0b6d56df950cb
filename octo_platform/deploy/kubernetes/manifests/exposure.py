"""How a deployment is reached from outside: an Ingress, or a route of a Gateway."""

from __future__ import annotations

from octo_platform.deploy.desired import Desired, Exposure
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.names import HTTP, Manifest, base, metadata
from octo_platform.deploy.kubernetes.manifests.service import PORT
from octo_platform.deploy.target import Refused


def exposed(desired: Desired, cluster: Cluster) -> list[Manifest]:
    if desired.exposure is None:
        return []
    if desired.port is None:
        raise Refused(f"{desired.exposure.host} cannot lead to the deployment: its flows serve no HTTP")
    if desired.exposure.way == "gateway":
        return [_route(desired, cluster, desired.exposure)]
    return [_ingress(desired, cluster, desired.exposure)]


def external_url(desired: Desired) -> str | None:
    if desired.exposure is None:
        return None
    return f"{'http' if desired.exposure.tls == 'none' else 'https'}://{desired.exposure.host}"


def _ingress(desired: Desired, cluster: Cluster, exposure: Exposure) -> Manifest:
    backend = {"service": {"name": base(desired), "port": {"name": HTTP}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    spec: Manifest = {"rules": [{"host": exposure.host, "http": {"paths": [path]}}]}
    if exposure.ingress_class is not None:
        spec["ingressClassName"] = exposure.ingress_class
    annotations = {}
    if exposure.tls == "cert-manager":
        if not exposure.issuer:
            raise Refused(f"the certificate of {exposure.host} needs an issuer of cert-manager")
        annotations = {"cert-manager.io/cluster-issuer": exposure.issuer}
        spec["tls"] = [{"hosts": [exposure.host], "secretName": f"{base(desired)}-tls"}]
    elif exposure.tls == "secret":
        if not exposure.secret:
            raise Refused(f"the certificate of {exposure.host} needs the name of its secret")
        spec["tls"] = [{"hosts": [exposure.host], "secretName": exposure.secret}]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(desired, cluster, base(desired), annotations=annotations),
        "spec": spec,
    }


def _route(desired: Desired, cluster: Cluster, exposure: Exposure) -> Manifest:
    """Certificates are those of the Gateway, which belongs to somebody else."""
    namespace, _, name = (exposure.gateway or "").rpartition("/")
    if not name:
        raise Refused(f"{exposure.host} needs the name of a gateway: NAME or NAMESPACE/NAME")
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name}
    backend = {"group": "", "kind": "Service", "name": base(desired), "port": PORT, "weight": 1}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata(desired, cluster, base(desired)),
        "spec": {
            "parentRefs": [parent | ({"namespace": namespace} if namespace else {})],
            "hostnames": [exposure.host],
            "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [backend]}],
        },
    }
