"""The commands and the web configuration file."""

import os
from pathlib import Path

import pytest

from exporter.app import running
from exporter.cli import main
from exporter.clock import SystemClock
from exporter.errors import SettingsError
from exporter.settings import Settings
from tests.web.secured import TLS, Papers, papers_in

CONFIG = """
web: {{config_file: {file}}}
state: {{path: ""}}
sources:
  contoso: {{kind: elements, auth: {{client_id: contoso, client_secret: simulated}}}}
"""


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Papers:
    """Return a folder with certificates and a configuration that names web.yaml."""
    for name in [name for name in os.environ if name.upper().startswith("M365_BACKUP_")]:
        monkeypatch.delenv(name)
    papers = papers_in(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG.format(file=papers.file), encoding="utf-8")
    return papers


def checked(papers: Papers) -> int | str | None:
    """Return the status of check-config."""
    with pytest.raises(SystemExit) as caught:
        main(["check-config", "--config", str(papers.folder / "config.yaml")])
    return caught.value.code


def test_check_config(papers: Papers, capsys: pytest.CaptureFixture[str]) -> None:
    """check-config looks into the web configuration file and the files that it names."""
    papers.write(tls_server_config=TLS)
    assert checked(papers) == 0

    papers.write(tls_server_config={**TLS, "key_file": "client.key"})
    assert checked(papers) == 2
    fault = "tls_server_config.key_file: does not belong to the certificate"
    assert capsys.readouterr().err == f"{papers.file}: {fault}\n"


async def test_no_start_without_protection(papers: Papers) -> None:
    """With a web configuration file that is missing or at fault the daemon does not start, rather than unprotected."""
    settings = Settings.model_validate(
        {
            "web": {"listen": ["127.0.0.1:0"], "config_file": papers.file},
            "state": {"path": ""},
            "sources": {
                "contoso": {"kind": "elements", "auth": {"client_id": "contoso", "client_secret": "simulated"}}
            },
        }
    )

    with pytest.raises(SettingsError, match=r"web\.yaml: cannot be read: No such file"):
        async with running(settings, SystemClock()):
            pass
