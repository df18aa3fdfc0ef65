"""A disk that counts how often it is waited for, and takes its time: see slow_disk.c."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("slow_disk.c")


@dataclass(frozen=True, slots=True)
class SlowDisk:
    """What a process must be started with, and what became of it."""

    library: Path
    calls_file: Path

    def environment(self, milliseconds: float) -> dict[str, str]:
        """Return the variables that count a process's fsyncs from 0, each *milliseconds* longer."""
        self.calls_file.write_bytes(bytes(8))
        return {
            "LD_PRELOAD": str(self.library),
            "SLOW_DISK_CALLS": str(self.calls_file),
            "SLOW_DISK_MILLISECONDS": f"{milliseconds:.0f}",
        }

    def calls(self) -> int:
        """Return how many calls of fsync and fdatasync there were."""
        return int.from_bytes(self.calls_file.read_bytes(), sys.byteorder)


def slow_disk(folder: Path) -> SlowDisk | None:
    """Compile the library into *folder*; ``None`` if there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / "slow_disk.so"
    subprocess.run(  # noqa: S603 - our own source
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"], check=True
    )
    return SlowDisk(library, folder / "fsyncs")
