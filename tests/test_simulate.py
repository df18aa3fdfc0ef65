import argparse
import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from exporter.cli import main
from exporter.settings import load
from exporter.simulate import add_options
from exporter.simulator import tls
from exporter.simulator.faults import Faults
from exporter.sources.elements.settings import ElementsSettings
from tests.test_cli import status, terminated


def options(*arguments: str) -> argparse.Namespace:
    """Return the options of the command."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(arguments)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what --print-config prints."""
    with pytest.raises(SystemExit) as exit_:
        main(["simulate", "--print-config", *arguments])
    assert exit_.value.code == 0
    return capsys.readouterr().out


def test_defaults() -> None:
    """Without options a small world without faults is served to this machine only."""
    chosen = options()

    assert (chosen.listen, chosen.tenants, chosen.faults) == ("127.0.0.1:8365", 25, Faults())
    assert (chosen.latency, chosen.rate_limit, chosen.pace, chosen.rows_per_customer) == (0.0, None, 1.0, None)


def test_options() -> None:
    """Numbers and faults are read as their names say."""
    chosen = options("--latency=0.2", "--rate-limit=5", "--pace=60", "--rows-per-customer=100", "--faults=429=0.5")

    assert (chosen.latency, chosen.rate_limit, chosen.pace, chosen.rows_per_customer) == (0.2, 5.0, 60.0, 100)
    assert chosen.faults == Faults((("429", 0.5),))


def test_calm_and_incidents(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A calm world with a file of incidents is served like any other."""
    path = tmp_path / "incidents.yaml"
    path.write_text("- {kind: backup_fails, tenant: 0, workload: Teams, after: -1h}", encoding="utf-8")
    arguments = ("--tenants=3", "--listen=127.0.0.1:0", "--calm", f"--incidents={path}")

    assert terminated(lambda: status("simulate", *arguments)) == 0

    assert capsys.readouterr().out.startswith("simulating 3 customers")
    assert (options(*arguments).calm, options().calm, options().incidents) == (True, False, None)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"- {kind: none}", ": incident 1: unknown kind 'none'; there are backup_fails"),
        (b"\xff", " cannot be read: 'utf-8' codec"),
        (None, " cannot be read: "),
    ],
)
def test_bad_incidents(content: bytes | None, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of incidents that cannot be used ends the simulator before anything is served, with exit status 2."""
    path = tmp_path / "incidents.yaml"
    if content is not None:
        path.write_bytes(content)

    assert status("simulate", "--tenants=3", "--listen=127.0.0.1:0", f"--incidents={path}") == 2

    assert f"--incidents: {path}{fault}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "fault"),
    [
        ("--faults=teapot=1", "argument --faults: unknown fault 'teapot'; there are 401"),
        ("--faults=429", "argument --faults: '429' is not of the form kind=rate"),
        ("--faults=429=2", "argument --faults: the rate of '429=2' is not within 0 to 1"),
        ("--faults=429=0.7,500=0.7", "argument --faults: the fault rates add up to more than 1"),
        ("--latency=-1", "argument --latency: should be a number, not below 0"),
        ("--latency=nan", "argument --latency: should be a number, not below 0"),
        ("--latency=slow", "argument --latency: should be a number, not below 0"),
        ("--rate-limit=0", "argument --rate-limit: should be more than 0"),
        ("--rate-limit=inf", "argument --rate-limit: should be a number, not below 0"),
        ("--pace=0", "argument --pace: should be more than 0"),
        ("--rows-per-customer=0", "argument --rows-per-customer: should be a whole number from 1 to 1000000"),
        ("--api=v2", "argument --api: invalid choice: 'v2'"),
        ("--vendor=veritable", "argument --vendor: invalid choice: 'veritable'"),
        ("--tls-listen=nowhere", "argument --tls-listen: "),
        ("--seed=x", "argument --seed: invalid int value: 'x'"),
    ],
)
def test_bad_options(argument: str, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An option that makes no sense is refused before anything is served, with exit status 2."""
    with pytest.raises(SystemExit) as exit_:
        main(["simulate", argument])

    assert exit_.value.code == 2
    assert fault in capsys.readouterr().err


@pytest.mark.parametrize("api", ["v3", "v1"])
@pytest.mark.parametrize("listen", ["127.0.0.1:8365", "[::1]:8365", "0.0.0.0:8365", "simulator.example.com:80"])
def test_printed_config(api: str, listen: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed config loads as it is, and polls the simulator at the address it would listen on."""
    path = tmp_path / "config.yaml"
    path.write_text(printed(capsys, f"--listen={listen}", f"--api={api}"), encoding="utf-8")

    source = load(path).sources["elements_sim"]

    assert isinstance(source, ElementsSettings)
    assert source.api == api
    assert {urlsplit(source.base_url).netloc, urlsplit(source.auth.token_url).netloc} == {listen}
    assert source.base_url.endswith("/partner") == (api == "v1")


@pytest.mark.parametrize("api", ["v2", "v1", "legacy"])
def test_printed_config_of_cloud_backup(api: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Two tenants are printed, each a source with the client id of its customer, at the simulator."""
    text = printed(capsys, "--vendor=cloudbackup", f"--api={api}", "--listen=simulator.example.com:80")

    sources = yaml.safe_load(text)["sources"]

    assert list(sources) == ["cloudbackup_sim_1", "cloudbackup_sim_2"]
    for source in sources.values():
        assert (source["kind"], source["api"], source["allow_plain_http"]) == ("cloudbackup", api, True)
        assert source["base_url"] == "http://simulator.example.com:80"
        assert source["auth"]["client_id"] == source["tenant"]["id"]
        assert source["tenant"]["name"]
    assert len({source["tenant"]["id"] for source in sources.values()}) == 2


def test_cloud_backup_is_v2_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --api the newest generation is printed, of Elements without --vendor."""
    assert printed(capsys, "--vendor=cloudbackup").count("    api: v2\n") == 2
    assert printed(capsys) == printed(capsys, "--vendor=elements", "--api=v3")


def test_printed_config_of_veeam(capsys: pytest.CaptureFixture[str]) -> None:
    """Veeam is printed with plain HTTP where there is no TLS, or no certificate that lasts."""
    for more in ([], ["--tls-listen=127.0.0.1:4443"]):
        source = yaml.safe_load(printed(capsys, "--vendor=veeam", *more))["sources"]["veeam_sim"]
        assert (source["kind"], source["api"], source["base_url"]) == ("veeam", "auto", "http://127.0.0.1:8365")
        assert source["auth"] == {"username": "CONTOSO\\monitor", "password": "simulated"}


def test_printed_config_over_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The fingerprint printed is that of the certificate in the file, which is made once, with the host's name."""
    path = tmp_path / "server.pem"
    arguments = ("--vendor=veeam", "--api=v7", "--tls-listen=vb365.example.com:4443", f"--certificate={path}")
    first = printed(capsys, *arguments)
    source = yaml.safe_load(first)["sources"]["veeam_sim"]

    assert printed(capsys, *arguments) == first
    assert source["base_url"] == "https://vb365.example.com:4443"
    assert source["tls"] == {"fingerprint_sha256": tls.read(path.read_bytes()).fingerprint}
    assert path.stat().st_mode & 0o077 == 0


def test_printed_config_of_veeam_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed config loads as it is."""
    pem, path = tmp_path / "server.pem", tmp_path / "config.yaml"
    text = printed(capsys, "--vendor=veeam", "--tls-listen=127.0.0.1:4443", f"--certificate={pem}")
    path.write_text(text, encoding="utf-8")

    assert load(path).sources["veeam_sim"].base_url == "https://127.0.0.1:4443"


def test_tls_until_terminated(capsys: pytest.CaptureFixture[str]) -> None:
    """Over TLS too, the simulator says where, and the fingerprint of the certificate that it made for now."""
    result = terminated(lambda: status("simulate", "--tenants=3", "--listen=127.0.0.1:0", "--tls-listen=127.0.0.1:0"))

    assert result == 0
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"also on https://127\.0\.0\.1:[1-9]\d+; SHA-256 fingerprint: [0-9a-f]{64}", said[1])


def test_a_taken_port_for_tls(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken ends the simulator in one line, though the other port was free."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert status("simulate", "--listen=127.0.0.1:0", f"--tls-listen={address}") == 2

    assert f"--tls-listen: {address} cannot be opened: " in capsys.readouterr().err


def test_a_bad_certificate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file without a certificate and its key is refused before anything is served."""
    path = tmp_path / "server.pem"
    path.write_text("nonsense", encoding="utf-8")

    with pytest.raises(SystemExit) as exit_:
        main(["simulate", "--tls-listen=127.0.0.1:4443", f"--certificate={path}"])

    assert exit_.value.code == 2
    assert f"--certificate: {path} cannot be used: " in capsys.readouterr().err


def test_generations_belong_to_vendors(capsys: pytest.CaptureFixture[str]) -> None:
    """A generation of the other vendor is refused with exit status 2."""
    with pytest.raises(SystemExit) as exit_:
        main(["simulate", "--vendor=cloudbackup", "--api=v3"])

    assert exit_.value.code == 2
    assert "argument --api: invalid choice: 'v3' (choose from v2, v1, legacy)" in capsys.readouterr().err
