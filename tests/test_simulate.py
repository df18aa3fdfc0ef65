import argparse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from exporter.cli import main
from exporter.settings import load
from exporter.simulate import add_options
from exporter.simulator.faults import Faults
from exporter.sources.elements.settings import ElementsSettings


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


def test_generations_belong_to_vendors(capsys: pytest.CaptureFixture[str]) -> None:
    """A generation of the other vendor is refused with exit status 2."""
    with pytest.raises(SystemExit) as exit_:
        main(["simulate", "--vendor=cloudbackup", "--api=v3"])

    assert exit_.value.code == 2
    assert "argument --api: invalid choice: 'v3' (choose from v2, v1, legacy)" in capsys.readouterr().err
