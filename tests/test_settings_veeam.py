"""What an operator may write of a Veeam source, and what is said of mistakes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from exporter.cli import main
from exporter.errors import SettingsError
from exporter.settings import load, unreadable_files
from exporter.sources.veeam.settings import VeeamSettings

MARKER = "s3cr3t-marker"
ADDRESS = "https://vb365.example.com:4443"
AUTH = {"username": r"CONTOSO\monitor", "password": MARKER}
HERE = "config.yaml: sources.vb365"
VARIABLE = "M365_BACKUP_SOURCES__VB365__AUTH__PASSWORD"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where the file is, and let no variable of this machine matter."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith("M365_BACKUP_")]:
        monkeypatch.delenv(name)


def config(**options: Any) -> Path:
    """Write a configuration of one Veeam source; an option that is None is left out."""
    source = {"kind": "veeam", "base_url": ADDRESS, "auth": AUTH} | options
    given = {key: value for key, value in source.items() if value is not None}
    path = Path("config.yaml")
    path.write_text(yaml.safe_dump({"sources": {"vb365": given}}), encoding="utf-8")
    return path


def veeam(path: Path) -> VeeamSettings:
    """Return the source of a configuration without a fault."""
    source = load(path).sources["vb365"]
    assert isinstance(source, VeeamSettings)
    return source


def told(path: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what check-config says of a configuration, which is at fault."""
    with pytest.raises(SystemExit) as exit_:
        main(["check-config", "--config", str(path)])
    assert exit_.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    return output.err.splitlines()


def test_least_configuration() -> None:
    """An address and an account are all that an operator must decide; the rest is as documented."""
    source = veeam(config())

    assert (source.api, source.base_url) == ("auto", ADDRESS)
    assert source.tls.verification() is True
    assert {plan.name: plan.interval_seconds for plan in source.plans()} == {
        "organizations": 900.0,
        "jobs": 300.0,
        "infrastructure": 300.0,
        "license": 3600.0,
        "protection": 21600.0,
    }


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"kind": "veem"}, ".kind: should be 'elements', 'cloudbackup' or 'veeam'"),
        ({"kind": None}, ".kind: is required: 'elements', 'cloudbackup' or 'veeam'"),
        ({"api": "v5"}, ".api: should be 'auto', 'v8', 'v7' or 'v6'"),
        ({"base_url": None}, ".base_url: is required"),
        ({"base_url": "vb365.example.com:4443"}, ".base_url: should be a URL such as https://api.example.com"),
        (
            {"base_url": f"https://a:{MARKER}@b.example.com"},
            ".base_url: should not hold a user or a password; use auth",
        ),
        (
            {"base_url": "http://vb365.example.com:4443"},
            ": base_url would send secrets unencrypted; use https://, or set allow_plain_http: true",
        ),
        ({"auth": None}, ".auth: is required"),
        ({"auth": {"password": MARKER}}, ".auth.username: is required"),
        ({"auth": AUTH | {"username": ""}}, ".auth.username: should not be empty"),
        ({"auth": AUTH | {"password": ""}}, ".auth.password: should not be empty"),
        ({"auth": {"username": "monitor"}}, ".auth: give password_file or password"),
        (
            {"auth": AUTH | {"password_file": MARKER}},
            ".auth: password and password_file are given; keep one and remove the other",
        ),
        ({"auth": AUTH | {"pasword": MARKER}}, ".auth.pasword: is not a known key; did you mean `password`?"),
        ({"tenant": {"id": MARKER}}, ".tenant: is not a known key; did you mean `tenants`?"),
        ({"colectors": {}}, ".colectors: is not a known key; did you mean `collectors`?"),
        (
            {"collectors": {"organisations": {"interval": MARKER}}},
            ".collectors.organisations: is not a known key; did you mean `organizations`?",
        ),
        (
            {"collectors": {"infrastructure": {"exclude_repository": [MARKER]}}},
            ".collectors.infrastructure.exclude_repository: is not a known key; did you mean `exclude_repositories`?",
        ),
        (
            {"collectors": {"organizations": {"enabled": False}}},
            ".collectors.organizations: cannot be disabled: without it no customer is known",
        ),
        (
            {"collectors": {"jobs": {"lookback": "31d"}}},
            ".collectors.jobs.lookback: should be 30d at most; for a longer past there is backfill",
        ),
        (
            {"tls": {"fingerprint_sha256": MARKER}},
            ".tls.fingerprint_sha256: should be 64 hexadecimal digits (SHA-256), with or without colons",
        ),
        (
            {"tls": {"fingerprint_sha256": "ab" * 32, "insecure_skip_verify": True}},
            ".tls: give at most one of ca_file, fingerprint_sha256 and insecure_skip_verify",
        ),
        (
            {"tls": {"server_name": ADDRESS}},
            ".tls.server_name: should be a name alone, such as backup.example.com, without https:// or a port",
        ),
    ],
)
def test_mistakes_are_told(options: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each mistake is one line with the path of its key, and with no value."""
    assert told(config(**options), capsys) == [HERE + line]


@pytest.mark.parametrize("end", ["/v8", "/v8/", "/v7", "/V7", "/v6//", "/proxied/v8"])
def test_generation_in_the_address(end: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An address that was copied with its generation is a fault: another one may be asked than it seems."""
    generation = end.rstrip("/").rpartition("/")[2].lower()

    lines = told(config(base_url=ADDRESS + end), capsys)

    assert lines == [f"{HERE}.base_url: should end before /{generation}; the generation is set by api"]


@pytest.mark.parametrize("url", [ADDRESS, "https://v8:4443", f"{ADDRESS}/v8/proxied", "http://127.0.0.1:4443"])
def test_address(url: str) -> None:
    """Whatever else an address holds is taken as it is, but for a slash at its end."""
    assert veeam(config(base_url=f"{url}/")).base_url == url


@pytest.mark.parametrize(
    ("written", "line"),
    [
        (r'"CONTOSO\backup"', "sources.vb365.auth.username: holds a control character;"),
        (r'"CONTOSO\nobody"', "sources.vb365.auth.username: holds a control character;"),
        (r'"CONTOSO\monitor"', "is not YAML: line 5, column 31: in double quotes a backslash needs another one;"),
        (r'"CONTOSO\user"', "is not YAML: line 5, column 32: in double quotes a backslash needs another one;"),
    ],
)
def test_backslash_in_double_quotes(written: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A domain's account in double quotes is refused where YAML makes something else of its backslash."""
    path = Path("config.yaml")
    auth = f"{{username: {written}, password: {MARKER}}}"
    path.write_text(
        f"sources:\n  vb365:\n    kind: veeam\n    base_url: {ADDRESS}\n    auth: {auth}\n", encoding="utf-8"
    )

    (fault,) = told(path, capsys)

    assert fault.startswith(f"config.yaml: {line}")


@pytest.mark.parametrize("written", [r"'CONTOSO\backup'", r"CONTOSO\backup", r'"CONTOSO\\backup"'])
def test_account_of_a_domain(written: str) -> None:
    """Single quotes, none, or two backslashes in double ones are the ways to write a domain's account."""
    path = config()
    path.write_text(path.read_text(encoding="utf-8").replace(r"CONTOSO\monitor", written), encoding="utf-8")

    assert veeam(path).auth.username == r"CONTOSO\backup"


@pytest.mark.parametrize("file", ["missing", "."])
def test_password_file_must_be_readable(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """check-config names the key of a password's file that cannot be read, not its path: it might be the password."""
    lines = told(config(auth={"username": "monitor", "password_file": file}), capsys)

    assert lines == [f"{HERE}.auth.password_file: the file cannot be read; check the path and its permissions"]


def test_password_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A password's file that can be read is no fault, and is not read before a token is fetched."""
    Path("password").write_bytes(b"\xff")
    path = config(auth={"username": "monitor", "password_file": "password"})

    with pytest.raises(SystemExit) as exit_:
        main(["check-config", "--config", str(path)])

    assert (exit_.value.code, capsys.readouterr().err) == (0, "")
    assert unreadable_files(load(path)) == []


def test_authority_must_be_readable(capsys: pytest.CaptureFixture[str]) -> None:
    """A file of authorities that holds none is a fault before anything is asked."""
    Path("ca.pem").write_text(MARKER, encoding="utf-8")

    (fault,) = told(config(tls={"ca_file": "ca.pem"}), capsys)

    assert fault.endswith("sources.vb365.tls.ca_file: the file cannot be read or holds no certificates in PEM form")


def test_password_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may leave the password, or its file, to the environment; a number stays text."""
    path = config(auth={"username": "monitor"})
    monkeypatch.setenv(f"{VARIABLE}_FILE", "password")
    file = veeam(path).auth.files()
    monkeypatch.delenv(f"{VARIABLE}_FILE")
    monkeypatch.setenv(VARIABLE, "0123")

    password = veeam(path).auth.password

    assert file == {"password_file": Path("password")}
    assert password is not None
    assert password.get_secret_value() == "0123"


def test_password_besides_a_file(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """If the file names a password's file and the environment a password, the variable is named."""
    monkeypatch.setenv(VARIABLE, MARKER)

    lines = told(config(auth={"username": "monitor", "password_file": MARKER}), capsys)

    (line,) = lines
    assert line == (
        f"{HERE}.auth: password and password_file are given; keep one and remove the other"
        f" (password is set by {VARIABLE} in the environment)"
    )


def test_password_does_not_print() -> None:
    """Neither settings that are printed or dumped by mistake nor errors about them show the password."""
    source = veeam(config())
    with pytest.raises(SettingsError) as caught:
        load(config(limits={"timeout": MARKER}))
    with pytest.raises(ValidationError) as direct:
        VeeamSettings.model_validate({"kind": "veeam", "base_url": MARKER, "auth": AUTH | {"password_file": MARKER}})

    dumped = [json.dumps(source.model_dump(mode="json")), source.model_dump_json(), repr(source.model_dump())]
    printed = [repr(source), str(source), repr(source.auth), repr(source.auth.secret())]
    errors = [str(caught.value), repr(caught.value), str(direct.value), repr(direct.value)]
    assert not [text for text in (*dumped, *printed, *errors) if MARKER in text]
