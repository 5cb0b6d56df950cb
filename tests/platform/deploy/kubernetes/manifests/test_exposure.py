"""How a host leads to a deployment."""

import pytest

from octo_platform.deploy.kubernetes.manifests.exposure import exposed, external_url
from octo_platform.deploy.kubernetes.manifests.service import service
from octo_platform.deploy.target import Refused


def one(desired, cluster, **exposure):
    (found,) = exposed(desired(port=8080, exposure={"host": "a.example.com"} | exposure), cluster)
    return found


def test_a_certificate_by_cert_manager(desired, cluster):
    found = one(desired, cluster, tls="cert-manager", issuer="letsencrypt")

    assert found["metadata"]["annotations"] == {"cert-manager.io/cluster-issuer": "letsencrypt"}
    assert found["spec"]["tls"] == [{"hosts": ["a.example.com"], "secretName": "octo-orders-tls"}]


def test_a_wildcard_certificate(desired, cluster):
    found = one(desired, cluster, tls="secret", secret="wildcard", ingress_class="nginx")

    assert "annotations" not in found["metadata"]
    assert found["spec"]["tls"] == [{"hosts": ["a.example.com"], "secretName": "wildcard"}]
    assert found["spec"]["ingressClassName"] == "nginx"


def test_no_certificate(desired, cluster):
    assert "tls" not in one(desired, cluster)["spec"]


@pytest.mark.parametrize(("gateway", "parent"), [("public", ("public", None)), ("edge/public", ("public", "edge"))])
def test_a_route_of_a_gateway(desired, cluster, gateway, parent):
    found = one(desired, cluster, way="gateway", gateway=gateway)

    (reference,) = found["spec"]["parentRefs"]
    assert parent == (reference["name"], reference.get("namespace"))
    (backend,) = found["spec"]["rules"][0]["backendRefs"]
    (behind,) = service(desired(port=8080), cluster)
    assert (behind["metadata"]["name"], behind["spec"]["ports"][0]["port"]) == (backend["name"], backend["port"])


@pytest.mark.parametrize(("tls", "url"), [("none", "http://a.example.com"), ("secret", "https://a.example.com")])
def test_the_url_says_whether_there_is_a_certificate(desired, tls, url):
    assert url == external_url(desired(exposure={"host": "a.example.com", "tls": tls}))


@pytest.mark.parametrize(
    ("exposure", "said"),
    [
        ({"tls": "cert-manager"}, "issuer"),
        ({"tls": "secret"}, "secret"),
        ({"way": "gateway"}, "gateway"),
        ({"way": "gateway", "gateway": "edge/"}, "gateway"),
    ],
)
def test_what_lacks_is_named(desired, cluster, exposure, said):
    with pytest.raises(Refused, match=said):
        one(desired, cluster, **exposure)


def test_flows_that_serve_nothing_cannot_be_exposed(desired, cluster):
    with pytest.raises(Refused, match="serve no HTTP"):
        exposed(desired(exposure={"host": "a.example.com"}), cluster)
