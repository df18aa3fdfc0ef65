"""What the long tests of deployments are made with."""

import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.image import Builder, Image
from tests.support.process import free_port

PATIENCE: Final = 60.0


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """Return the image, built on a Debian that is made for it; two gigabytes that are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="m365-backup-image-") as folder:
        builder = Builder(Path(folder))
        builder.base()
        yield builder.build()


@pytest.fixture
def api() -> Iterator[str]:
    """Return the address of a simulator of three customers."""
    address = f"127.0.0.1:{free_port()}"
    command = (sys.executable, "-m", "exporter", "simulate", "--tenants", "3", "--seed", "1", "--listen", address)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - our own command
        try:
            found(f"http://{address}/", "")
            yield f"http://{address}"
        finally:
            process.terminate()


def found(url: str, wanted: str, times: int = 0) -> str:
    """Return what is at *url* once *wanted* is in it so many times, or once anything is."""
    deadline = time.monotonic() + PATIENCE
    while True:
        text = _page(url)
        if text is not None and text.count(wanted) >= times:
            return text
        assert time.monotonic() < deadline, text
        time.sleep(0.2)


def _page(url: str) -> str | None:
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 - our own address
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:  # the simulator wants to know who asks
        return str(error)
    except OSError:  # not open yet
        return None
