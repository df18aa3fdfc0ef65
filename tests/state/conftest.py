"""A path for the state file, and a disk that can fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.state.storage import Disk, small_disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the state file is to be."""
    return tmp_path / "state.db"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Return a small file system."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk
