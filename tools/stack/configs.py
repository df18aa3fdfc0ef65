"""The shipped configurations, with the addresses of this machine put in."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.duration import duration_seconds

ROOT: Final = Path(__file__).parent.parent.parent
DEPLOY: Final = ROOT / "deploy"
INCIDENTS: Final = DEPLOY / "stack" / "incidents.yaml"
CUSTOMERS: Final = 25
SEED: Final = 1

WAITS_OF_RULES: Final = frozenset({"for", "keep_firing_for", "interval"})
WAITS_OF_PROMETHEUS: Final = frozenset({"scrape_interval", "scrape_timeout", "evaluation_interval"})
WAITS_OF_ROUTES: Final = frozenset({"group_wait", "group_interval", "repeat_interval"})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each program listens, as host:port."""

    simulator: str = "127.0.0.1:10364"
    exporter: str = "127.0.0.1:10365"
    notifications: str = "127.0.0.1:10366"
    prometheus: str = "127.0.0.1:10367"
    alertmanager: str = "127.0.0.1:10368"


def write_rules(folder: Path, hurry: float) -> list[str]:
    """Write the rules and return their files; everything but how long is waited is as shipped."""
    files = [DEPLOY / "prometheus" / "links.yml", *sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))]
    for file in files:
        rules = yaml.safe_load(file.read_text(encoding="utf-8"))
        _write(folder / file.name, hurried(rules, WAITS_OF_RULES, hurry))
    return [file.name for file in files]


def write_exporter(folder: Path, addresses: Addresses) -> Path:
    """Write the exporter's configuration for these addresses, with its state in *folder*, and return it."""
    text = (DEPLOY / "stack" / "exporter.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text.replace("127.0.0.1:10364", addresses.simulator))
    config["web"] = {"listen": [addresses.exporter]}
    config["state"] = {"path": str(folder / "state.db")}
    return _write(folder / "exporter.yaml", config)


def write_prometheus(folder: Path, addresses: Addresses, hurry: float) -> Path:
    """Write the shipped prometheus.yml for these addresses, with its rules, and return it."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    config["rule_files"] = write_rules(folder, hurry)
    (scrape,) = config["scrape_configs"]
    scrape["static_configs"] = [{"targets": [addresses.exporter]}]
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [addresses.alertmanager]}]}]
    return _write(folder / "prometheus.yml", hurried(config, WAITS_OF_PROMETHEUS, hurry))


def write_alertmanager(folder: Path, addresses: Addresses, hurry: float) -> Path:
    """Write the shipped alertmanager.yml, which tells our listener, and return it."""
    text = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    config = yaml.safe_load(text.replace("127.0.0.1:10366", addresses.notifications))
    config["templates"] = [str(DEPLOY / "alertmanager" / each) for each in config["templates"]]
    return _write(folder / "alertmanager.yml", hurried(config, WAITS_OF_ROUTES, hurry))


def hurried(config: Any, waits: frozenset[str], hurry: float) -> Any:
    """Return *config* with every one of these waits that many times shorter, though never below a second."""
    match config:
        case dict():
            return {
                key: _shorter(value, hurry) if key in waits else hurried(value, waits, hurry)
                for key, value in config.items()
            }
        case list():
            return [hurried(each, waits, hurry) for each in config]
        case _:
            return config


def _shorter(duration: str, hurry: float) -> str:
    return f"{max(1, round(duration_seconds(duration) / hurry))}s"


def _write(path: Path, config: Any) -> Path:
    path.write_text(json.dumps(config, indent=1), encoding="utf-8")  # JSON is YAML
    return path
