import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from exporter.errors import SettingsError
from exporter.faults import alternatives, kinds_of
from exporter.settings import Settings, load
from tools.configuration import groups_of, is_duration

CONFIG = """
sources:
  elements_emea:
    kind: elements
    auth: {client_id: contoso, client_secret: simulated}
"""
OF_EVERY_KIND = f"""{CONFIG}
  contoso:
    kind: cloudbackup
    base_url: https://api.example.com
    tenant: {{id: contoso}}
    auth: {{client_id: contoso, client_secret: simulated}}
"""
NAMES = {"elements": "elements_emea", "cloudbackup": "contoso"}
"""A source of each kind."""
ALTERED = {
    "sources.elements_emea.collectors.scan_profiles.baseline.daily_scan_time": "22:00",
    **{
        f"sources.{name}.{option}": text
        for name in NAMES.values()
        for option, text in {
            "auth.token_url": "https://id.example.com",
            "base_url": "https://other.example.com",
            "tls.fingerprint_sha256": "ab" * 32,
        }.items()
    },
    "shard.index": "0",
}
REFUSED = {"web.config_file": "web.yaml", "web.enable_lifecycle": "true"}
NEEDS_COMPANION = {
    "sources.elements_emea.collectors.tenants.enabled",
    *(
        f"sources.{name}.auth.{key}"
        for name in NAMES.values()
        for key in ("client_secret_file", "certificate_file", "private_key_file")
    ),
}
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
    """Return a small configuration."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


@pytest.fixture
def of_every_kind(path: Path) -> Path:
    """Return a configuration with a source of each kind."""
    path.write_text(OF_EVERY_KIND, encoding="utf-8")
    return path


def variable(path: str) -> str:
    """Return the variable that names an option."""
    return "M365_BACKUP_" + path.upper().replace(".", "__")


def faults(path: Path) -> list[str]:
    """Return the faults of a configuration, its file's path shortened."""
    with pytest.raises(SettingsError) as caught:
        load(path)
    return [fault.replace(f"{path.parent}/", "") for fault in caught.value.faults]


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


@pytest.mark.parametrize("option", sorted(set(SCALARS) - set(REFUSED) - NEEDS_COMPANION))
def test_every_scalar(option: str, of_every_kind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scalar of each kind's models can be overridden by its variable; text that looks like a number stays text."""
    text, value = altered(option)
    monkeypatch.setenv(variable(option), text)

    settings = load(of_every_kind)

    assert at(settings, option) == value


@pytest.mark.parametrize("option", sorted(REFUSED))
def test_what_is_not_offered_yet(option: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option of a later version is refused from the environment as well, and the variable is named."""
    monkeypatch.setenv(variable(option), REFUSED[option])

    (fault,) = faults(path)

    assert fault.startswith(f"environment: {variable(option)}: {option}: ")
    assert "not available in this version" in fault


@pytest.mark.parametrize("option", sorted(TUPLES))
def test_every_list(option: str, of_every_kind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each list can be overridden whole, as JSON."""
    value = LISTS.get(option, ["Contoso", "Fabrikam"])
    monkeypatch.setenv(variable(option), json.dumps(value))

    settings = load(of_every_kind)

    assert len(at(settings, option)) == len(value)
    assert [each if isinstance(each, str) else each.model_dump(mode="json") for each in at(settings, option)][:1] in (
        value[:1],
        [{"match": "*", "labels": {"tier": "gold"}, "overdue_after": None, "muted": False}],
        [{"job_type": "1", "job_module": "2"}],
    )


def test_secret_from_the_environment_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may hold no secret at all if the environment does."""
    path.write_text(CONFIG.replace(", client_secret: simulated", ""), encoding="utf-8")
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__AUTH__CLIENT_SECRET", '"4711"')

    auth = load(path).sources["elements_emea"].auth

    assert auth.client_secret is not None
    assert auth.client_secret.get_secret_value() == '"4711"'


def test_certificate_from_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of a certificate and of a secret can be named by variables too."""
    path.write_text(CONFIG.replace(", client_secret: simulated", ""), encoding="utf-8")
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__AUTH__CERTIFICATE_FILE", "a.crt")
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__AUTH__PRIVATE_KEY_FILE", "a.key")

    files = load(path).sources["elements_emea"].auth.files()

    assert files == {"certificate_file": Path("a.crt"), "private_key_file": Path("a.key")}


def test_case_does_not_count(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable in lower case is the same option: some tools write environments so."""
    monkeypatch.setenv("m365_backup_log__Level", "debug")

    assert load(path).log.level == "debug"


def test_other_variables(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of others are none of our business, even those of a Kubernetes Service that is named like us."""
    for name in ("EXPORTER_SERVICE_HOST", "EXPORTER_PORT_10365_TCP_ADDR", "PORT", "SERVICE_PORT_HTTP"):
        monkeypatch.setenv(f"M365_BACKUP_{name}", "10.0.0.1")
    monkeypatch.setenv("M365_BACKUPS", "many")

    assert list(load(path).sources) == ["elements_emea"]


def test_group_as_json(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole group is JSON; a variable deeper in it refines that."""
    monkeypatch.setenv("M365_BACKUP_LOG", '{"level": "error", "format": "json"}')
    monkeypatch.setenv("M365_BACKUP_LOG__FORMAT", "logfmt")

    log = load(path).log

    assert (log.level, log.format) == ("error", "logfmt")


def test_mapping_by_its_keys(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that no file defines may come from the environment, if its kind does."""
    for key, value in {"KIND": "elements", "AUTH__CLIENT_ID": "f", "AUTH__CLIENT_SECRET": "f"}.items():
        monkeypatch.setenv(f"M365_BACKUP_SOURCES__FABRIKAM__{key}", value)
    monkeypatch.setenv("M365_BACKUP_SOURCES__EXAMPLE", '{"kind": "elements", "auth": {"client_id": "e"}}')
    monkeypatch.setenv("M365_BACKUP_SOURCES__EXAMPLE__AUTH__CLIENT_SECRET", "e")

    assert sorted(load(path).sources) == ["elements_emea", "example", "fabrikam"]


def test_kind_by_the_environment(of_every_kind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable may change a source's kind; the options of that kind can be set by variables then, and only those."""
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__KIND", "cloudbackup")
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__BASE_URL", "https://api.example.com")
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__TENANT__ID", "4711")

    settings = load(of_every_kind)
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__COLLECTORS__PROTECTION__ENABLED", "false")
    (fault,) = faults(of_every_kind)

    assert {at(settings, f"sources.{name}.tenant.id") for name in NAMES.values()} == {"4711", "contoso"}
    assert "PROTECTION__ENABLED: protection is not a known key; known here: jobs, license, schedule" in fault


def test_kind_in_an_included_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables know the kind of a source that stands in an included file, even one that the environment names."""
    (path.parent / "more.yaml").write_text("fabrikam: {kind: cloudbackup}", encoding="utf-8")
    monkeypatch.setenv("M365_BACKUP_INCLUDE", '["more.yaml"]')
    monkeypatch.setenv("M365_BACKUP_SOURCES__FABRIKAM__TENNANT__ID", "f")

    assert faults(path)[0] == (
        "environment: M365_BACKUP_SOURCES__FABRIKAM__TENNANT__ID: tennant is not a known key; did you mean `tenant`?"
    )


def test_all_sources_as_json(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All sources can be replaced at once."""
    source = {"kind": "elements", "auth": {"client_id": "f", "client_secret": "f"}}
    monkeypatch.setenv("M365_BACKUP_SOURCES", json.dumps({"fabrikam": source}))

    assert list(load(path).sources) == ["fabrikam"]


def test_include_by_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files to include can be named by the environment, and their sources be overridden by it."""
    included = path.parent / "more.yaml"
    included.write_text("fabrikam: {kind: elements, auth: {client_id: f}}", encoding="utf-8")
    monkeypatch.setenv("M365_BACKUP_INCLUDE", '["more.yaml"]')
    monkeypatch.setenv("M365_BACKUP_SOURCES__FABRIKAM__AUTH__CLIENT_SECRET", "f")

    assert sorted(load(path).sources) == ["elements_emea", "fabrikam"]


def test_aliases_are_not_shared(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overriding one source leaves another alone that shares its mapping by a YAML alias."""
    path.write_text(f"{CONFIG}  other: {{kind: elements, auth: &auth {{client_id: a, client_secret: a}}}}\n"
                    "  third: {kind: elements, auth: *auth}\n", encoding="utf-8")  # fmt: skip
    monkeypatch.setenv("M365_BACKUP_SOURCES__OTHER__AUTH__CLIENT_ID", "b")

    sources = load(path).sources

    assert (sources["other"].auth.client_id, sources["third"].auth.client_id) == ("b", "a")


def test_file_at_fault_stays_at_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable below something that is no mapping does not hide the file's fault."""
    path.write_text(f"log: info\n{CONFIG}", encoding="utf-8")
    monkeypatch.setenv("M365_BACKUP_LOG__LEVEL", "info")

    assert faults(path) == ["config.yaml: log: should be a mapping of keys to values"]


def test_deep_json(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON that is nested beyond reason is a fault like other text."""
    monkeypatch.setenv("M365_BACKUP_LOG", "[" * 100_000)

    assert faults(path) == ['environment: M365_BACKUP_LOG: should be JSON, such as ["one", "two"] or {"key": "value"}']
