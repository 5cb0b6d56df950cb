"""A pod may do little, says how it is, and gets the variables of people without giving way to them."""

import pytest

from octo_platform.deploy.kubernetes.manifests.pod import template


def pod(desired, cluster):
    return template(desired, cluster, "r")["spec"]


def variables(desired, cluster):
    return {each["name"]: each.get("value") for each in pod(desired, cluster)["containers"][0]["env"]}


STOLEN = ["OCTO_SERVICES", "OCTO_DEPLOYMENT", "OCTO_DATA_URL", "OCTO_ADMIN_TOKEN", "OCTO_X", "HTTP_PORT", "HTTP_HOST"]


@pytest.mark.parametrize("name", STOLEN)
def test_reserved_names_win(desired, cluster, name):
    """Row 2: nobody becomes another deployment by a variable."""
    data = {"url": "http://octo-data.octo.svc", "token": "t"}
    ours = variables(desired(port=8080, data=data), cluster)

    assert ours == variables(desired(port=8080, data=data, variables={name: "stolen"}), cluster)


def test_reserved_names_come_last_and_each_name_once(desired, cluster):
    found = [
        each["name"]
        for each in pod(desired(port=8080, variables={"Z": "1", "A": "2"}), cluster)["containers"][0]["env"]
    ]

    assert found[:2] == ["A", "Z"]
    assert len(found) == len(set(found))


def test_flows_are_told_where_to_listen(desired, cluster):
    """Row 24: also where a flow declares no host of its own, which would be loopback."""
    found = variables(desired(port=9090), cluster)
    assert (found["HTTP_PORT"], found["HTTP_HOST"]) == ("9090", "0.0.0.0")
    assert "HTTP_PORT" not in variables(desired(), cluster)


@pytest.mark.parametrize("value", ["$(OCTO_SERVICES)", "$$(X)", "a$b", "$", "$$", "100%"])
def test_a_value_is_no_reference_to_another_variable(desired, cluster, value):
    """Kubernetes replaces `$(NAME)` in values, and so would show what is in the Secret."""
    assert value == as_the_kubelet_does(variables(desired(variables={"A": value}), cluster)["A"])


def as_the_kubelet_does(text):
    """k8s.io/kubernetes/third_party/forked/golang/expansion: `$$` is `$`, and `$(NAME)` what the variable has."""
    found, rest = "", text
    while rest:
        if rest.startswith("$$"):
            found, rest = found + "$", rest[2:]
        elif rest.startswith("$(") and ")" in rest:
            found, rest = found + "EXPANDED", rest[rest.index(")") + 1 :]
        else:
            found, rest = found + rest[0], rest[1:]
    return found


def test_a_pod_is_restricted(desired, cluster):
    found = pod(desired(), cluster)
    container = found["containers"][0]

    assert (found["securityContext"]["runAsNonRoot"], found["securityContext"]["runAsUser"]) == (True, 65_532)
    assert found["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert (found["automountServiceAccountToken"], found["enableServiceLinks"]) == (False, False)
    assert {"/tmp", "/var/lib/octo"} == {
        each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")
    }


def test_its_health_is_asked_at_the_operations_port(desired, cluster):
    container = pod(desired(), cluster)["containers"][0]
    assert [
        (probe, container[probe]["httpGet"]["path"]) for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    ] == [("startupProbe", "/healthz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")]
    assert {"name": "ops", "containerPort": 39_999, "protocol": "TCP"} in container["ports"]


@pytest.mark.parametrize(("cores", "said"), [(0.25, "250m"), (1.0, "1"), (2.0, "2"), (1.5, "1500m"), (0.0001, "1m")])
def test_resources_are_written_as_kubernetes_writes_them(desired, cluster, cores, said):
    found = pod(desired(resources={"cpu": cores, "memory": 300}), cluster)["containers"][0]["resources"]
    assert {"requests": {"cpu": said, "memory": "300Mi"}, "limits": {"memory": "300Mi"}} == found


def test_pods_are_spread_over_nodes(desired, cluster):
    (found,) = pod(desired(), cluster)["topologySpreadConstraints"]
    assert found["topologyKey"] == "kubernetes.io/hostname"


def test_images_of_a_closed_registry(desired, cluster):
    private = cluster.model_copy(update={"pull_secrets": ("registry",)})
    assert pod(desired(), private)["imagePullSecrets"] == [{"name": "registry"}]
    assert "imagePullSecrets" not in pod(desired(), cluster)


def test_a_version_that_migrates_takes_over_what_is_journalled(desired, cluster):
    def arguments(**changed):
        return pod(desired(**changed), cluster)["containers"][0]["args"]

    assert "--resume" not in arguments()
    found = arguments(in_flight="migrate")
    assert found[found.index("--resume") + 1] == "new"
