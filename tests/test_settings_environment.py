"""What the environment says, and what it may not."""

import json
from pathlib import Path

import pytest

from exporter.errors import SettingsError
from exporter.settings import Settings, load
from exporter.source_settings import OAuthSettings
from exporter.sources.cloudbackup.settings import CloudBackupSettings
from exporter.sources.veeam.settings import VeeamSettings

CONFIG = """
sources:
  elements_emea:
    kind: elements
    auth: {client_id: contoso, client_secret: simulated}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a small configuration."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG, encoding="utf-8")
    return file


def oauth(settings: Settings, source: str) -> OAuthSettings:
    """Return how an AvePoint source authenticates."""
    auth = settings.sources[source].auth
    assert isinstance(auth, OAuthSettings)
    return auth


def faults(path: Path) -> list[str]:
    """Return the faults of a configuration, its file's path shortened."""
    with pytest.raises(SettingsError) as caught:
        load(path)
    return [fault.replace(f"{path.parent}/", "") for fault in caught.value.faults]


def test_secret_from_the_environment_only(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may hold no secret at all if the environment does."""
    path.write_text(CONFIG.replace(", client_secret: simulated", ""), encoding="utf-8")
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__AUTH__CLIENT_SECRET", '"4711"')

    secret = oauth(load(path), "elements_emea").client_secret

    assert secret is not None
    assert secret.get_secret_value() == '"4711"'


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


def test_kind_by_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable may change a source's kind; the options of that kind can be set by variables then, and only those."""
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__KIND", "cloudbackup")
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__BASE_URL", "https://api.example.com")
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__TENANT__ID", "4711")

    source = load(path).sources["elements_emea"]
    monkeypatch.setenv("M365_BACKUP_SOURCES__ELEMENTS_EMEA__COLLECTORS__PROTECTION__ENABLED", "false")
    (fault,) = faults(path)

    assert isinstance(source, CloudBackupSettings)
    assert source.tenant.id == "4711"
    assert "PROTECTION__ENABLED: protection is not a known key; known here: jobs, license, schedule" in fault


def test_other_ways_to_authenticate_by_the_environment(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that variables alone define has the ways to authenticate of its kind, and no others."""
    above = "M365_BACKUP_SOURCES__VB365__"
    for key, value in {
        "KIND": "veeam",
        "BASE_URL": "https://vb365.example.com:4443",
        "AUTH__USERNAME": r"FABRIKAM\monitor",
        "AUTH__PASSWORD": "4711",
    }.items():
        monkeypatch.setenv(above + key, value)

    source = load(path).sources["vb365"]
    monkeypatch.setenv(f"{above}AUTH__CLIENT_SECRET", "s3cr3t-marker")
    (fault,) = faults(path)

    assert isinstance(source, VeeamSettings)
    assert source.auth.username == r"FABRIKAM\monitor"
    assert source.auth.password is not None
    assert source.auth.password.get_secret_value() == "4711"
    assert fault == (
        f"environment: {above}AUTH__CLIENT_SECRET: client_secret is not a known key; known here: password,"
        " password_file, username"
    )


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

    settings = load(path)

    assert [oauth(settings, name).client_id for name in ("other", "third")] == ["b", "a"]


def test_file_at_fault_stays_at_fault(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable below something that is no mapping does not hide the file's fault."""
    path.write_text(f"log: info\n{CONFIG}", encoding="utf-8")
    monkeypatch.setenv("M365_BACKUP_LOG__LEVEL", "info")

    assert faults(path) == ["config.yaml: log: should be a mapping of keys to values"]


def test_deep_json(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON that is nested beyond reason is a fault like other text."""
    monkeypatch.setenv("M365_BACKUP_LOG", "[" * 100_000)

    assert faults(path) == ['environment: M365_BACKUP_LOG: should be JSON, such as ["one", "two"] or {"key": "value"}']
