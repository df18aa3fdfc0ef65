"""The compose files: what they mount exists, and what they start finds each other."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from compose_spec import PyCompose

from exporter import __version__
from exporter.settings import load
from tools.stack.configs import CUSTOMERS, SEED

ROOT: Final = Path(__file__).parent.parent.parent
FOLDER: Final = ROOT / "deploy" / "compose"
TAG: Final = re.compile(r":v?\d+\.\d+\.\d+$")


class Override(yaml.SafeLoader):
    """Knows that what is tagged so is taken out of the file below."""


Override.add_constructor("!reset", lambda *_: None)


def read(name: str) -> Any:
    """Return what a compose file says."""
    return yaml.load((FOLDER / name).read_text(encoding="utf-8"), Override)  # noqa: S506 - it is a SafeLoader


SERVICES: Final[dict[str, Any]] = read("compose.yaml")["services"]


def mounts(service: dict[str, Any]) -> dict[str, Path | None]:
    """Return what a service has mounted where; None is a volume."""
    found = {}
    for each in service.get("volumes", []):
        source, target = each.split(":")[:2]
        found[target] = (FOLDER / source).resolve() if source.startswith(".") else None
    return found


def test_it_is_compose() -> None:
    """A strict parser takes both files, whose keys are all of the specification."""
    base, override = read("compose.yaml"), read("real.yaml")
    exporter = {key: value for key, value in override["services"]["exporter"].items() if value is not None}
    override["services"]["exporter"] = exporter

    for each in (base, override):
        assert set(PyCompose.from_json(json.dumps(each)).service_names()) == set(each["services"])


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_hardened(service: dict[str, Any]) -> None:
    """No service may write to its root, has capabilities, or gets new ones; every image has its version."""
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "user" not in service
    assert TAG.search(service["image"])
    assert service["healthcheck"]


def test_our_image_is_of_this_version() -> None:
    """What is built and run is this version of ours."""
    ours = [each for each in SERVICES.values() if "build" in each]

    assert {each["image"] for each in ours} == {f"m365-backup-exporter:{__version__}"}
    assert {(FOLDER / each["build"]).resolve() for each in ours} == {ROOT}


def test_mounts_exist() -> None:
    """Every file and folder that is mounted is there and cannot be written to; every volume is declared."""
    volumes = read("compose.yaml")["volumes"]
    for service in SERVICES.values():
        for each in service.get("volumes", []):
            source, _, rest = each.partition(":")
            if source.startswith("."):
                assert (FOLDER / source).exists(), each
                assert rest.endswith(":ro")
            else:
                assert source in volumes


def test_ports() -> None:
    """Ports are published once, on this machine only."""
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert sorted(published) == [f"127.0.0.1:{port}:{port}" for port in (10365, 3000, 9090, 9093)]


def test_prometheus_is_the_shipped_one() -> None:
    """Prometheus is configured as it is shipped, but for where the others are; those are services on their ports."""
    shipped = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    moved = shipped.replace("localhost:10365", "exporter:10365").replace("localhost:9093", "alertmanager:9093")

    assert read("prometheus.yml") == yaml.safe_load(moved)
    for name, port in (("exporter", 10365), ("alertmanager", 9093), ("prometheus", 9090), ("grafana", 3000)):
        assert SERVICES[name]["ports"] == [f"127.0.0.1:{port}:{port}"]


def laid_out(name: str, folder: Path) -> Path:
    """Copy what a service has mounted to where it is in its container, below *folder*."""
    for target, source in mounts(SERVICES[name]).items():
        if source is not None:
            here = folder / target.removeprefix("/")
            here.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, here)
    return folder


def checked(*command: str) -> str:
    """Return what a tool says of a configuration that it finds good."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_it(tmp_path: Path) -> None:
    """Promtool finds the rules where they are mounted, and no fault."""
    laid_out("prometheus", tmp_path)

    said = checked("promtool", "check", "config", str(tmp_path / "etc/prometheus/prometheus.yml"))

    rules = list((ROOT / "deploy" / "prometheus" / "rules").glob("*.yml"))
    assert f"{len(rules) + 1} rule files found" in said


def test_alertmanager_takes_it(tmp_path: Path) -> None:
    """Amtool finds the templates where they are mounted, and no fault; the listener is where notifications go."""
    laid_out("alertmanager", tmp_path)
    config = tmp_path / "etc/alertmanager/alertmanager.yml"

    said = checked("amtool", "check-config", str(config))

    assert "1 templates" in said
    listener = SERVICES["notifications"]
    assert listener["network_mode"] == "service:alertmanager"
    assert set(re.findall(r"^ +- url: http://(.*)/", config.read_text(encoding="utf-8"), re.MULTILINE)) == set(
        listener["command"]
    )


def test_listener_is_there(tmp_path: Path) -> None:
    """The listener's module is found where it is mounted."""
    laid_out("notifications", tmp_path)
    module = SERVICES["notifications"]["entrypoint"][-1]

    assert (tmp_path / "srv" / Path(*module.split("."))).with_suffix(".py").is_file()


def test_exporter_asks_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter's file and environment are good together; all it asks is the simulator, and its port is reached."""
    service = SERVICES["exporter"]
    for name, value in service["environment"].items():
        monkeypatch.setenv(name, value)
    config = mounts(service)[service["healthcheck"]["test"][-1]]
    assert config is not None

    settings = load(config)

    assert settings.web.listen == ("0.0.0.0:10365",)
    assert {source.base_url for source in settings.sources.values()} == {"http://simulator:10364"}
    assert f"127.0.0.1:{10364}" not in yaml.safe_dump(settings.model_dump(mode="json"))
    assert "--listen=0.0.0.0:10364" in SERVICES["simulator"]["command"]


def test_simulator_is_that_of_make_stack() -> None:
    """The simulated world is the one of `make stack`, and its file is where the command looks for it."""
    command = SERVICES["simulator"]["command"]
    options = dict(each.removeprefix("--").split("=") for each in command if "=" in each)

    assert (options["tenants"], options["seed"]) == (str(CUSTOMERS), str(SEED))
    assert mounts(SERVICES["simulator"])[options["incidents"]] == ROOT / "deploy" / "stack" / "incidents.yaml"


def test_grafana_finds_everything(tmp_path: Path) -> None:
    """Dashboards lie beside the provisioning, where its provider looks; data sources are services on their ports."""
    laid_out("grafana", tmp_path)
    service = SERVICES["grafana"]
    defaults = (FOLDER / service["env_file"]).read_text(encoding="utf-8")

    assert set(re.findall(r"^\w+_URL=http://([\w:]+)$", defaults, re.MULTILINE)) == {
        "prometheus:9090",
        "alertmanager:9093",
    }
    assert (tmp_path / "etc/grafana/provisioning/datasources").is_dir()
    assert (tmp_path / service["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].removeprefix("/")).is_file()


def test_real_leaves_nothing_of_the_simulator() -> None:
    """With the second file the simulator is not started, and the exporter has its own configuration in its place."""
    real = read("real.yaml")["services"]
    base = SERVICES["exporter"]

    assert real["simulator"] == {"profiles": ["simulated"]}
    assert (real["exporter"]["environment"], real["exporter"]["depends_on"]) == (None, None)
    assert set(mounts(real["exporter"])) == {base["healthcheck"]["test"][-1], "/run/secrets"}
