"""What an environment may tell of its cluster."""

import pytest
from pydantic import ValidationError

from octo_platform.deploy.kubernetes.cluster import Cluster


@pytest.mark.parametrize("namespace", ["octo", "kube-system", "Prod", "a" * 64, "-a", "", "a.b"])
def test_deployments_have_a_namespace_of_their_own(namespace):
    with pytest.raises(ValidationError):
        Cluster(namespace=namespace, salt="s" * 16, image="octo")


@pytest.mark.parametrize("wrong", [{"salt": "short"}, {"image": ""}, {"forbidden": ["10.0.0.1/8"]}, {"unknown": 1}])
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(ValidationError):
        Cluster.model_validate({"namespace": "prod", "salt": "s" * 16, "image": "octo"} | wrong)


def test_the_salt_is_never_shown(cluster):
    assert cluster.salt.get_secret_value() not in repr(cluster) + cluster.model_dump_json()


def test_metadata_of_clouds_is_forbidden_of_each_kind_of_address(cluster):
    assert cluster.except_for("0.0.0.0/0") == ["169.254.0.0/16"]
    assert cluster.except_for("::/0") == ["fe80::/10", "fd00:ec2::/32"]
