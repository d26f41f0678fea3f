"""The manifests, each object held to the schemas of Kubernetes, and all together to what production counts on."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "deploy/kubernetes"
BASE = sorted(path for path in (FOLDER / "base").glob("*.yaml") if path.name != "kustomization.yaml")
OVERLAYS = ("base", *sorted(f"overlays/{path.name}" for path in (FOLDER / "overlays").iterdir()))
needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed, which renders them")

Object = dict[str, Any]


class Manifests:
    """The objects of one kustomization, by kind and name."""

    def __init__(self, objects: list[Object]) -> None:
        self.objects = objects
        self.by_name = {(found["kind"], found["metadata"]["name"]): found for found in objects}
        self.deployment = self.by_name["Deployment", "slugline"]
        self.template: Object = self.deployment["spec"]["template"]
        self.pod: Object = self.template["spec"]
        self.labels: dict[str, str] = self.template["metadata"]["labels"]
        self.container: Object = next(one for one in self.pod["containers"] if one["name"] == "slugline")
        self.variables = {entry["name"]: entry["value"] for entry in self.container["env"]}

    def containers(self) -> Iterator[Object]:
        yield from self.pod["containers"]
        yield from self.pod.get("initContainers", ())


def validate(found: Object) -> None:
    kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)


def read_base() -> Manifests:
    return Manifests([found for path in BASE for found in yaml.safe_load_all(path.read_text())])


@pytest.fixture(scope="module", params=["files", *(pytest.param(name, marks=needs_kubectl) for name in OVERLAYS)])
def manifests(request: pytest.FixtureRequest) -> Manifests:
    """The base as it is written, which needs no kubectl, and every kustomization as kubectl renders it."""
    if request.param == "files":
        return read_base()
    command = ["kubectl", "kustomize", str(FOLDER / request.param)]
    rendered = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return Manifests(list(yaml.safe_load_all(rendered)))


def test_every_object_fits_the_schemas_of_kubernetes(manifests: Manifests) -> None:
    for found in manifests.objects:
        validate(found)


def test_the_schemas_refuse_what_is_misspelt() -> None:
    deployment = read_base().deployment
    deployment["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(deployment)


def test_every_file_of_the_base_is_named_by_the_kustomization() -> None:
    named = yaml.safe_load((FOLDER / "base/kustomization.yaml").read_text())["resources"]
    assert sorted(named) == [path.name for path in BASE]


def test_pods_pass_the_restricted_standard(manifests: Manifests) -> None:
    """What the `restricted` pod security standard demands, and a read-only root besides."""
    assert manifests.pod["securityContext"]["runAsNonRoot"] is True
    assert manifests.pod["securityContext"]["runAsUser"] == 10001
    assert manifests.pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in manifests.containers():
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
    assert all({"persistentVolumeClaim", "emptyDir"} & volume.keys() for volume in manifests.pod["volumes"])


def test_pods_carry_no_token_of_the_cluster(manifests: Manifests) -> None:
    account = manifests.by_name["ServiceAccount", manifests.pod["serviceAccountName"]]
    assert account["automountServiceAccountToken"] is False
    assert manifests.pod["automountServiceAccountToken"] is False


def test_probes_ask_the_health_service_and_liveness_is_the_most_patient(manifests: Manifests) -> None:
    port = int(manifests.variables["SLUGLINE_HEALTH_ADDRESS"].split(":")[1])
    probes = [manifests.container[f"{name}Probe"] for name in ("startup", "readiness", "liveness")]
    assert [probe["grpc"]["port"] for probe in probes] == [port] * 3
    _, readiness, liveness = (probe["periodSeconds"] * probe["failureThreshold"] for probe in probes)
    assert liveness >= 10 * readiness


def test_memory_is_limited_and_cpu_asked_for(manifests: Manifests) -> None:
    for container in manifests.containers():
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


def test_a_rolling_update_takes_no_pod_away_before_another_serves(manifests: Manifests) -> None:
    assert manifests.deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert "replicas" not in manifests.deployment["spec"]


def test_a_pod_has_longer_to_end_than_the_server_takes(manifests: Manifests) -> None:
    *_, script = manifests.container["lifecycle"]["preStop"]["exec"]["command"]
    before = float(script.split("sleep(")[1].rstrip(")"))
    grace = float(manifests.variables["SLUGLINE_GRACE_SECONDS"])
    assert manifests.pod["terminationGracePeriodSeconds"] >= before + grace + 5
    assert before >= manifests.container["readinessProbe"]["periodSeconds"]


def test_whatever_selects_pods_selects_these_and_nothing_else(manifests: Manifests) -> None:
    selectors = [manifests.deployment["spec"]["selector"]["matchLabels"]]
    selectors += [found["spec"]["selector"] for found in manifests.objects if found["kind"] == "Service"]
    selectors += [manifests.by_name["PodDisruptionBudget", "slugline"]["spec"]["selector"]["matchLabels"]]
    selectors += [manifests.by_name["NetworkPolicy", "slugline"]["spec"]["podSelector"]["matchLabels"]]
    selectors += [spread["labelSelector"]["matchLabels"] for spread in manifests.pod["topologySpreadConstraints"]]
    for selector in selectors:
        assert selector
        assert selector.items() <= manifests.labels.items()


def test_ports_have_the_same_names_and_numbers_everywhere(manifests: Manifests) -> None:
    ports = {port["name"]: port["containerPort"] for port in manifests.container["ports"]}
    assert ports["grpc"] == int(manifests.variables["SLUGLINE_ADDRESS"].split(":")[1])
    assert ports["metrics"] == int(manifests.variables["SLUGLINE_METRICS_ADDRESS"].split(":")[1])
    assert manifests.template["metadata"]["annotations"]["prometheus.io/port"] == str(ports["metrics"])
    for service in (found for found in manifests.objects if found["kind"] == "Service"):
        assert [port["targetPort"] for port in service["spec"]["ports"]] == ["grpc"]
    rules = manifests.by_name["NetworkPolicy", "slugline"]["spec"]["ingress"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == {"grpc", "metrics"}
    # A rule without `from` would let in everyone.
    assert all(rule["from"] for rule in rules)


def test_the_service_for_balancing_clients_is_headless(manifests: Manifests) -> None:
    assert manifests.by_name["Service", "slugline"]["spec"]["clusterIP"] == "None"
    assert "clusterIP" not in manifests.by_name["Service", "slugline-single"]["spec"]


def test_scaling_follows_calls_in_flight_and_the_budget_leaves_a_pod(manifests: Manifests) -> None:
    scaler = manifests.by_name["HorizontalPodAutoscaler", "slugline"]["spec"]
    target = scaler["scaleTargetRef"]
    assert (target["kind"], target["name"]) in manifests.by_name
    names = [metric["pods"]["metric"]["name"] for metric in scaler["metrics"] if metric["type"] == "Pods"]
    assert names == ["slugline_calls_in_flight"]
    assert any(metric["type"] == "Resource" and metric["resource"]["name"] == "cpu" for metric in scaler["metrics"])
    budget = manifests.by_name["PodDisruptionBudget", "slugline"]["spec"]
    assert scaler["minReplicas"] > budget["maxUnavailable"]


def test_volumes_that_are_mounted_exist_and_models_are_mounted_for_reading(manifests: Manifests) -> None:
    volumes = {volume["name"]: volume for volume in manifests.pod["volumes"]}
    for container in manifests.containers():
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes.keys()
    for mount in manifests.container["volumeMounts"]:
        assert mount["mountPath"] == "/tmp" or mount["readOnly"]
    for volume in volumes.values():
        if "persistentVolumeClaim" in volume:
            assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in manifests.by_name


def test_variables_are_options_of_serve(manifests: Manifests) -> None:
    from slugline.cli.serve import command

    options = {option.envvar for option in command.params if isinstance(option.envvar, str)}
    assert manifests.variables.keys() <= options


@needs_kubectl
@pytest.mark.parametrize("name", OVERLAYS[1:])
def test_overlays_name_images_by_registry_and_version_and_bring_a_model(name: str) -> None:
    command = ["kubectl", "kustomize", str(FOLDER / name)]
    manifests = Manifests(list(yaml.safe_load_all(subprocess.run(command, capture_output=True, check=True).stdout)))
    for container in manifests.containers():
        image, _, tag = container["image"].partition(":")
        assert "/" in image
        assert tag not in {"", "latest"}
    assert "/models" in {mount["mountPath"] for mount in manifests.container["volumeMounts"]}
