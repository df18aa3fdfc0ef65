"""Every option of every kind of source by its variable."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from exporter.faults import alternatives, kinds_of
from exporter.settings import Settings, load
from tools.configuration import SOURCES, groups_of, is_duration

CONFIG = """
sources:
  elements_emea:
    kind: elements
    auth: {client_id: contoso, client_secret: simulated}
  contoso:
    kind: cloudbackup
    base_url: https://api.example.com
    tenant: {id: contoso}
    auth: {client_id: contoso, client_secret: simulated}
  vb365_dc1:
    kind: veeam
    base_url: https://vb365.example.com:4443
    auth: {username: 'CONTOSO\\monitor', password: simulated}
"""
NAMES = {"elements": "elements_emea", "cloudbackup": "contoso", "veeam": "vb365_dc1"}
"""A source of each kind."""
WITH_OAUTH = [NAMES["elements"], NAMES["cloudbackup"]]
ALTERED = {
    "sources.elements_emea.collectors.scan_profiles.baseline.daily_scan_time": "22:00",
    **{
        f"sources.{name}.{option}": text
        for name in NAMES.values()
        for option, text in {"base_url": "https://other.example.com", "tls.fingerprint_sha256": "ab" * 32}.items()
    },
    **{f"sources.{name}.auth.token_url": "https://id.example.com" for name in WITH_OAUTH},
    "shard.index": "0",
}
NEEDS_COMPANION = {
    "sources.elements_emea.collectors.tenants.enabled",
    "sources.vb365_dc1.collectors.organizations.enabled",
    "sources.vb365_dc1.auth.password_file",
    *(
        f"sources.{name}.auth.{key}"
        for name in WITH_OAUTH
        for key in ("client_secret_file", "certificate_file", "private_key_file")
    ),
}
"""Options that are a fault where they stand alone; they have tests of their own."""
LISTS: dict[str, list[Any]] = {
    "web.listen": ["127.0.0.1:1"],
    "include": [],
    **{f"sources.{name}.tenants.overrides": [{"match": "*", "labels": {"tier": "gold"}}] for name in NAMES.values()},
    "sources.elements_emea.collectors.jobs.only": [{"job_type": 1, "job_module": "2"}],
}


def scalars_and_lists(model: Any = Settings, above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Yield the paths of all options that a variable may name, lists and their groups whole."""
    for name, field in model.model_fields.items():
        groups = groups_of(field)
        if not groups or groups[0][1] == "[].":
            yield above + name, field
            continue
        for group, onwards in groups:
            source = "".join(NAMES[kind] for kind in kinds_of([group]))
            yield from scalars_and_lists(group, above + name + onwards.replace("<name>", source))


OPTIONS = dict(scalars_and_lists())
SCALARS = [path for path, field in OPTIONS.items() if get_origin(field.annotation) is not tuple]
TUPLES = [path for path in OPTIONS if path not in SCALARS]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a configuration with a source of each kind."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


def variable(path: str) -> str:
    """Return the variable that names an option."""
    return "M365_BACKUP_" + path.upper().replace(".", "__")


def at(settings: Any, path: str) -> Any:
    """Return the value of an option."""
    for step in path.split("."):
        settings = settings[step] if isinstance(settings, dict) else getattr(settings, step)
    return settings.get_secret_value() if isinstance(settings, SecretStr) else settings


def altered(path: str) -> tuple[str, Any]:
    """Return another value for an option, as text and as it should be read."""
    field = OPTIONS[path]
    if path in ALTERED:
        text = ALTERED[path]
        return text, int(text) if text.isdecimal() else text
    if is_duration(field):
        return "7m", 420.0
    kind = alternatives(field.annotation)[0]
    if get_origin(kind) is Literal:
        return get_args(kind)[-1], get_args(kind)[-1]
    if kind is bool:
        return str(not field.default).lower(), not field.default
    return ("7", kind(7)) if kind in {int, float} else ("4711", Path("4711") if kind is Path else "4711")


def test_no_kind_is_forgotten(path: Path) -> None:
    """The configuration below all these tests has a source of every kind there is."""
    assert sorted(NAMES) == sorted(kinds_of(SOURCES))
    assert {source.kind: name for name, source in load(path).sources.items()} == NAMES
    assert set(OPTIONS) >= {*ALTERED, *NEEDS_COMPANION, *LISTS}


@pytest.mark.parametrize("option", sorted(set(SCALARS) - NEEDS_COMPANION))
def test_every_scalar(option: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scalar of each kind's models can be overridden by its variable; text that looks like a number stays text."""
    text, value = altered(option)
    monkeypatch.setenv(variable(option), text)

    settings = load(path)

    assert at(settings, option) == value


@pytest.mark.parametrize("option", sorted(TUPLES))
def test_every_list(option: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each list can be overridden whole, as JSON."""
    value = LISTS.get(option, ["Contoso", "Fabrikam"])
    monkeypatch.setenv(variable(option), json.dumps(value))

    settings = load(path)

    assert len(at(settings, option)) == len(value)
    assert [each if isinstance(each, str) else each.model_dump(mode="json") for each in at(settings, option)][:1] in (
        value[:1],
        [{"match": "*", "labels": {"tier": "gold"}, "overdue_after": None, "muted": False}],
        [{"job_type": "1", "job_module": "2"}],
    )
