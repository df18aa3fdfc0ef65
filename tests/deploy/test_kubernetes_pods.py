"""What the pods on Kubernetes may do, who finds them, and what they run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from exporter import __version__
from exporter.metrics.catalog import CATALOG
from tests.deploy.manifests import OVERLAYS, exporter_pod, of_kind, only, pods, read, rendered
from tools.kubernetes import MANIFESTS, ROOT, SIMULATOR

ADDED: Final = {"namespace", "pod", "service", "endpoint", "container", "instance", "job"}
"""Labels that the operator gives to every target."""
SECRETS: Final = "/run/secrets/m365-backup-exporter"
CONFIG: Final = "/etc/m365-backup-exporter/config.yaml"
STATE: Final = "/var/lib/m365-backup-exporter"
each_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


@each_overlay
def test_pods_are_restricted(overlay: str) -> None:
    """No pod runs as root, writes to its image, gains rights, or knows a token of the cluster."""
    for pod in [*pods(overlay), *(each for each in read(MANIFESTS / "mover.yaml") if each["kind"] == "Pod")]:
        own = pod["spec"]["securityContext"]
        assert own["runAsNonRoot"] is True
        assert own["runAsUser"] == own["runAsGroup"] == 65532
        assert own["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["spec"]["automountServiceAccountToken"] is False
        for container in pod["spec"]["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
    assert of_kind(overlay, "ServiceAccount")["m365-backup-exporter"]["automountServiceAccountToken"] is False
    (namespace,) = of_kind(overlay, "Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@each_overlay
def test_images_are_of_this_version(overlay: str) -> None:
    """Every container runs the placeholder's image with the version's own tag."""
    images = {container["image"] for pod in pods(overlay) for container in pod["spec"]["containers"]}

    assert images == {f"registry.example.com/m365-backup-exporter:{__version__}"}


def test_the_image_is_what_the_pods_expect() -> None:
    """The image has the command as its entry point, the pods' user, and the same arguments and place for the state."""
    lines = dict(line.partition(" ")[::2] for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines())
    pod = exporter_pod("single")
    own = pod["securityContext"]

    assert lines["ENTRYPOINT"] == '["m365-backup-exporter"]'
    assert json.loads(lines["CMD"]) == pod["containers"][0]["args"]
    assert lines["USER"] == f"{own['runAsUser']}:{own['runAsGroup']}"
    assert lines["VOLUME"] == STATE


@each_overlay
def test_every_mount_has_its_volume(overlay: str) -> None:
    """What a container mounts is a volume of the pod or of a claim, and every volume is mounted."""
    claimed = {each["metadata"]["name"] for each in only(overlay, "StatefulSet")["spec"]["volumeClaimTemplates"]}
    for pod in pods(overlay):
        volumes = {each["name"] for each in pod["spec"]["volumes"]}
        mounted = {each["name"] for each in pod["spec"]["containers"][0]["volumeMounts"]}
        assert volumes <= mounted <= volumes | claimed


@each_overlay
def test_there_are_as_many_pods_as_shards(overlay: str) -> None:
    """The StatefulSet has as many replicas as its processes believe, and each learns its number from its name."""
    environment = environment_of(overlay, 0)

    assert environment["M365_BACKUP_SHARD__TOTAL"] == str(only(overlay, "StatefulSet")["spec"]["replicas"])
    assert {each["name"]: each["value"] for each in exporter_pod(overlay)["containers"][0]["env"]}[
        "M365_BACKUP_SHARD__INDEX"
    ] == "hostname"


@each_overlay
def test_everything_selects_the_pods(overlay: str) -> None:
    """Service, policies, budget and monitor mean pods and ports that are there."""
    labels = [pod["metadata"]["labels"] for pod in pods(overlay)]
    ports = {port["name"] for pod in pods(overlay) for each in pod["spec"]["containers"] for port in each["ports"]}
    for selector in selectors(overlay):
        assert any(selector.items() <= each.items() for each in labels), selector
    services = [each["metadata"]["labels"] for each in of_kind(overlay, "Service").values()]
    monitor = only(overlay, "ServiceMonitor")["spec"]
    assert sum(monitor["selector"]["matchLabels"].items() <= each.items() for each in services) == 1
    assert {
        port["targetPort"] for each in of_kind(overlay, "Service").values() for port in each["spec"]["ports"]
    } == ports
    assert only(overlay, "Service")["spec"]["ports"][0]["name"] == monitor["endpoints"][0]["port"]
    assert only(overlay, "Service")["spec"]["clusterIP"] == "None"


def selectors(overlay: str) -> Iterator[dict[str, str]]:
    """Return what the objects select pods by."""
    for each in rendered(overlay):
        match each["kind"]:
            case "Service":
                yield each["spec"]["selector"]
            case "StatefulSet" | "Deployment" | "PodDisruptionBudget":
                yield each["spec"]["selector"]["matchLabels"]
            case "NetworkPolicy":
                yield each["spec"]["podSelector"]["matchLabels"]
            case _:
                pass


def test_targets_keep_their_name_and_our_labels() -> None:
    """A restarted pod is the same instance, and what the operator adds covers none of our labels."""
    (endpoint,) = only("single", "ServiceMonitor")["spec"]["endpoints"]

    assert endpoint["relabelings"] == [{"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "instance"}]
    ours = {label for row in CATALOG for label in (*row.labels, *getattr(row, "further_labels", ()))}
    assert not ours & ADDED


def test_liveness_is_patient() -> None:
    """A pod is killed only when it has not answered for three minutes, longer than it takes to call itself stuck."""
    probe = exporter_pod("single")["containers"][0]["livenessProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] >= 180


def test_the_start_is_waited_for_as_by_systemd() -> None:
    """A start may take five minutes, for the memory of a large fleet is read from a slow disk."""
    probe = exporter_pod("single")["containers"][0]["startupProbe"]
    unit = (ROOT / "deploy" / "systemd" / "m365-backup-exporter.service").read_text(encoding="utf-8")

    assert "TimeoutStartSec=5min" in unit
    assert probe["periodSeconds"] * probe["failureThreshold"] == 300


def environment_of(overlay: str, number: int) -> dict[str, str]:
    """Return the environment of a pod; its host name is put in, for this machine has another."""
    given = {each["name"]: each["value"] for each in exporter_pod(overlay)["containers"][0]["env"]}
    return given | {"M365_BACKUP_SHARD__INDEX": str(number)}


def unpacked(overlay: str, folder: Path) -> Path:
    """Write what an exporter's pod mounts to *folder*, and return its configuration, which means these files."""
    pod = exporter_pod(overlay)
    volumes = {each["name"]: each for each in pod["volumes"]}
    text = of_kind(overlay, "ConfigMap")[volumes["config"]["configMap"]["name"]]["data"]["config.yaml"]
    secret = of_kind(overlay, "Secret").get(volumes["secrets"]["secret"]["secretName"])
    for key in secret["data"] if secret else ["elements"]:  # as the README has it made
        (folder / key).write_text("simulated", encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(text.replace(SECRETS, str(folder)).replace(STATE, str(folder)), encoding="utf-8")
    return config


@each_overlay
def test_configurations_are_good(overlay: str, tmp_path: Path) -> None:
    """The last shard's `check-config` finds no fault in what is mounted, and its secrets are where they are mounted."""
    (container,) = exporter_pod(overlay)["containers"]
    number = only(overlay, "StatefulSet")["spec"]["replicas"] - 1

    checked = command("check-config", "--config", unpacked(overlay, tmp_path), env=environment_of(overlay, number))

    assert checked.returncode == 0, checked.stderr
    assert container["args"] == ["run", "--config", CONFIG]
    mounts = {each["mountPath"] for each in container["volumeMounts"]}
    assert mounts >= {SECRETS, STATE, str(Path(CONFIG).parent)}


def test_the_demo_has_something_to_show(tmp_path: Path) -> None:
    """The demo's simulator starts with its arguments, and the demo's configuration shows all three vendors in it."""
    config = unpacked("demo", tmp_path)
    with simulator(tmp_path) as url:
        config.write_text(config.read_text(encoding="utf-8").replace(SIMULATOR, url), encoding="utf-8")

        shown = command("once", "--config", config, env=environment_of("demo", 0))

    assert shown.returncode == 0, shown.stderr
    for source in ("elements", "cloudbackup", "vb365"):
        assert f'm365backup_source_up{{source="{source}"}} 1' in shown.stdout
    assert "m365backup_seats_used{" in shown.stdout


@contextmanager
def simulator(folder: Path) -> Iterator[str]:
    """Run what the demo's Deployment runs, on this machine, while the context lasts; yield its address."""
    pod = of_kind("demo", "Deployment")["m365-backup-simulator"]["spec"]["template"]["spec"]
    (volume,) = pod["volumes"]
    (folder / "incidents.yaml").write_text(
        of_kind("demo", "ConfigMap")[volume["configMap"]["name"]]["data"]["incidents.yaml"], encoding="utf-8"
    )
    here = {pod["containers"][0]["volumeMounts"][0]["mountPath"]: str(folder), "0.0.0.0:8365": "127.0.0.1:0"}
    arguments = pod["containers"][0]["args"]
    for there, path in here.items():
        arguments = [each.replace(there, path) for each in arguments]
    program = [sys.executable, "-m", "exporter", *arguments]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split(" on ")[1].split(";")[0]
        finally:
            process.terminate()


def command(*arguments: str | Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run one of the exporter's commands to its end."""
    return subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "exporter", *arguments],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
