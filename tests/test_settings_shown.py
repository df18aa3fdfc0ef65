"""What /config shows."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.settings import Settings, load
from exporter.settings.shown import SECRET, Shown, shown

EXAMPLE = Path(__file__).parent.parent / "config.example.yaml"
SECRETS = ("first-secret", "second-secret", "third-secret", "fourth-secret")


def source(number: int, **auth: Any) -> dict[str, Any]:
    """Return a source with a secret of its own."""
    url = f"https://reader:{SECRETS[number]}@api.example.com"
    labels = {"portal": url}  # nobody should, but somebody will
    return {
        "kind": "elements",
        "auth": {"client_id": "app", **auth},
        "tenants": {"overrides": [{"match": "*", "labels": labels}]},
    }


def test_nothing_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Secrets from the file, the environment, a file of their own and an address are not shown; paths are."""
    (tmp_path / "secret").write_text(SECRETS[3], encoding="utf-8")
    monkeypatch.setenv("M365_BACKUP_SOURCES__TWO__AUTH__CLIENT_SECRET", SECRETS[1])
    veeam = {
        "kind": "veeam",
        "base_url": "https://vb365.example.com:4443",
        "auth": {"username": "EXAMPLE\\monitor", "password": SECRETS[2]},
    }
    sources = {
        "one": source(0, client_secret=SECRETS[0]),
        "two": source(1),
        "three": source(3, client_secret_file=str(tmp_path / "secret")),
        "four": veeam,
    }

    text = shown(Settings.model_validate({"sources": sources}))

    assert not [secret for secret in SECRETS if secret in text]
    read = yaml.safe_load(text)["sources"]
    assert read["one"]["auth"]["client_secret"] == read["two"]["auth"]["client_secret"] == SECRET
    assert read["three"]["auth"]["client_secret"] is None
    assert read["three"]["auth"]["client_secret_file"] == str(tmp_path / "secret")
    assert read["four"]["auth"] == {"username": "EXAMPLE\\monitor", "password": SECRET, "password_file": None}
    portal = read["one"]["tenants"]["overrides"][0]["labels"]["portal"]
    assert portal == f"https://{SECRET}@api.example.com"


def test_it_is_the_configuration() -> None:
    """What is shown, defaults included, is a configuration with the same effect."""
    settings = load(EXAMPLE)

    assert Settings.model_validate(yaml.safe_load(shown(settings))) == settings


async def test_written_once() -> None:
    """The text is made once for a configuration, and anew after a reload."""
    one, two = (Settings.model_validate({"sources": {name: source(0, client_secret="x")}}) for name in ("one", "two"))
    current = [one]
    page = Shown(lambda: current[0])

    first, again = await page.text(), await page.text()
    current[0] = two

    assert first is again
    assert "two:" in await page.text()
