import json
import socket
from pathlib import Path

import pytest

from exporter.cli import main
from exporter.errors import SettingsError
from exporter.faults import is_model
from exporter.settings import Settings, load, unreadable_files
from exporter.settings.files import read
from exporter.shard import Shard
from exporter.sources.cloudbackup.settings import CloudBackupSettings
from exporter.sources.elements.settings import ElementsSettings
from exporter.sources.veeam.settings import PasswordSettings, VeeamSettings
from tools.configuration import groups_of

SOURCE = """
kind: elements
auth: {client_id: contoso, client_secret: simulated}
"""


def write(folder: Path, text: str, name: str = "config.yaml") -> Path:
    """Write a file of the configuration."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def config(folder: Path, source: str = "", top: str = "") -> Path:
    """Write a configuration with one source and further options."""
    lines = [f"    {line}" for line in (SOURCE + source).strip().splitlines()]
    return write(folder, "\n".join([top, "sources:", "  contoso:", *lines]))


def test_least_configuration(tmp_path: Path) -> None:
    """A kind and a way to authenticate are all that an operator must decide."""
    settings = load(config(tmp_path))

    assert list(settings.sources) == ["contoso"]
    assert settings.web.addresses() == [("0.0.0.0", 10365)]  # noqa: S104 - the documented default
    assert settings.shard.shard() == Shard(0, 1)


def test_addresses_of_ipv6(tmp_path: Path) -> None:
    """An IPv6 address is written in brackets and opened without them."""
    path = config(tmp_path, top="web: {listen: ['[::1]:9100', 'localhost:0', '[fe80::1%eth0]:1']}")

    assert load(path).web.addresses() == [("::1", 9100), ("localhost", 0), ("fe80::1%eth0", 1)]


def test_shard_of_a_stateful_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `index: hostname` a pod of a StatefulSet knows its shard."""
    monkeypatch.setattr(socket, "gethostname", lambda: "exporter-2")

    settings = load(config(tmp_path, top="shard: {index: hostname, total: 3}"))

    assert settings.shard.shard() == Shard(2, 3)


def test_words_are_text(tmp_path: Path) -> None:
    """A time, a date and a country that older YAML takes for something else stay text without quotes."""
    source = """
tenants:
  include: [NO, 2026-01-31, 22:00, 1_000, 0123, 0x1f]
  overrides: [{match: "*", muted: yes}]
collectors: {scan_profiles: {baseline: {daily_scan_time: 22:00}}}
"""

    tenants = load(config(tmp_path, source)).sources["contoso"].tenants

    assert tenants.include == ("NO", "2026-01-31", "22:00", "1_000", "0123", "0x1f")
    assert tenants.overrides[0].muted


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    """Whole numbers, fractions, null, infinities and booleans mean what they do in YAML 1.2."""
    path = write(tmp_path, "a: [0, -7, 2.5, .5, 1.5e3, null, ~, .inf, true, False, 123456789012345678901]\n")

    assert read(path)["a"] == [0, -7, 2.5, 0.5, 1500.0, None, None, float("inf"), True, False, "123456789012345678901"]


def test_merged_keys_are_not_doubles(tmp_path: Path) -> None:
    """A key that overrides one of a merged anchor is no key given twice."""
    path = write(tmp_path, "one: &one {a: 1, b: 1}\ntwo: {<<: *one, b: 2}\n")

    assert read(path)["two"] == {"a": 1, "b": 2}


def test_byte_order_mark(tmp_path: Path) -> None:
    """A file that an editor on Windows saved is read as any other."""
    path = config(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))

    assert list(load(path).sources) == ["contoso"]


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is a fault that names it."""
    with pytest.raises(SettingsError) as caught:
        load(tmp_path / "config.yaml")

    assert caught.value.faults == [f"{tmp_path}/config.yaml: cannot be read: No such file or directory"]


@pytest.mark.parametrize("absolute", [False, True])
def test_included_sources(tmp_path: Path, *, absolute: bool) -> None:
    """Sources of all files that a glob matches join those of the file; one that two globs match counts once."""
    write(tmp_path, "fabrikam: {kind: elements, auth: {client_id: f, client_secret: f}}", "sources.d/a.yaml")
    write(tmp_path, "example: {kind: elements, auth: {client_id: e, client_secret: e}}", "sources.d/b.yaml")
    folder = f"{tmp_path}/sources.d" if absolute else "sources.d"
    path = config(tmp_path, top=f"include: ['{folder}/*.yaml', '{folder}/a.yaml', 'nothing/*.yaml']")

    settings = load(path)

    assert list(settings.sources) == ["contoso", "fabrikam", "example"]


def test_only_included_sources(tmp_path: Path) -> None:
    """The file itself may leave all sources to the files it includes."""
    write(tmp_path, "fabrikam: {kind: elements, auth: {client_id: f, client_secret: f}}", "a.yaml")

    settings = load(write(tmp_path, "include: [a.yaml]\nsources:\n"))

    assert list(settings.sources) == ["fabrikam"]


def test_v1_begins_below_partner(tmp_path: Path) -> None:
    """The default address of v1 ends with /partner, and a configured one is taken as it is."""
    default = load(config(tmp_path, "api: v1")).sources["contoso"].base_url
    given = load(config(tmp_path, "api: v1\nbase_url: https://api.example.com/")).sources["contoso"].base_url

    assert default == "https://graph.avepointonlineservices.com/partner"
    assert given == "https://api.example.com"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_plain_http_on_this_machine(tmp_path: Path, host: str) -> None:
    """Plain HTTP that does not leave the machine needs no permission."""
    settings = load(config(tmp_path, f"base_url: http://{host}:8365"))

    assert settings.sources["contoso"].base_url == f"http://{host}:8365"


def test_plain_http_allowed(tmp_path: Path) -> None:
    """Plain HTTP beyond the machine is possible for those who ask for it."""
    settings = load(config(tmp_path, "base_url: http://api.example.com\nallow_plain_http: true"))

    assert settings.sources["contoso"].base_url == "http://api.example.com"


def test_job_filter_in_words_or_numbers(tmp_path: Path) -> None:
    """Jobs are chosen by the numbers of v3, quoted or not, or by the words of v1."""
    numbers = load(config(tmp_path, "collectors: {jobs: {only: [{job_type: 1, job_module: '303'}]}}"))
    words = load(config(tmp_path, "api: v1\ncollectors: {jobs: {only: [{job_type: A, job_module: B c}]}}"))

    only = [each.sources["contoso"].model_dump()["collectors"]["jobs"]["only"] for each in (numbers, words)]
    assert only == [({"job_type": "1", "job_module": "303"},), ({"job_type": "A", "job_module": "B c"},)]


def test_disabled_collectors_are_not_planned(tmp_path: Path) -> None:
    """A disabled collector has no plan, the others keep the order of importance and their own intervals."""
    source = "collectors: {protection: {enabled: false}, jobs: {interval: 1s, stale_after: 2h}}"

    plans = load(config(tmp_path, source)).sources["contoso"].plans()

    assert [plan.name for plan in plans] == ["tenants", "jobs", "subscriptions", "scan_profiles"]
    assert (plans[1].interval_seconds, plans[1].stale_after_seconds) == (1.0, 7200.0)


def test_unreadable_files_by_key(tmp_path: Path) -> None:
    """Files that cannot be read are named by their key: the path might be a secret put in the wrong place."""
    source = f"tls: {{ca_file: {tmp_path}}}"
    path = config(tmp_path, source)
    text = path.read_text(encoding="utf-8").replace("client_secret: simulated", "client_secret_file: s3cr3t-marker")
    path.write_text(text, encoding="utf-8")

    faults = unreadable_files(load(path))

    assert faults == [
        "sources.contoso.auth.client_secret_file: the file cannot be read; check the path and its permissions",
        "sources.contoso.tls.ca_file: the file cannot be read or holds no certificates in PEM form",
    ]


def test_secrets_do_not_print(tmp_path: Path) -> None:
    """Settings that are printed or dumped by mistake show no secret."""
    settings = load(config(tmp_path))

    assert "simulated" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_all_is_frozen() -> None:
    """No group of options can be changed, and each refuses unknown keys and hides what it was given."""
    groups = every_group(Settings)

    assert {ElementsSettings, CloudBackupSettings, VeeamSettings, PasswordSettings} < set(groups)
    assert all(group.model_config["frozen"] for group in groups)
    assert {group.model_config["extra"] for group in groups} == {"forbid"}
    assert all(group.model_config["hide_input_in_errors"] for group in groups)


def test_schema_knows_every_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    """Editors that use the JSON Schema show the meaning of every option."""
    with pytest.raises(SystemExit):
        main(["config-schema"])

    schema = json.loads(capsys.readouterr().out)
    groups = [schema, *schema["$defs"].values()]
    silent = [
        f"{group['title']}.{name}"
        for group in groups
        for name, option in group["properties"].items()
        if "description" not in option and "$ref" not in option
    ]
    assert silent == []


def every_group(model: type) -> list[type[Settings]]:
    """Return *model* and all groups below it."""
    assert is_model(model)
    below = [inner for field in model.model_fields.values() for inner, _ in groups_of(field)]  # type: ignore[attr-defined]
    return [model, *(group for inner in below for group in every_group(inner))]
