"""A Debian that is booted, with systemd as its first process, in namespaces of this machine: no image, no kernel."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.image import debian

PACKAGES: Final = ("python3", "ca-certificates", "systemd", "procps")
PATIENCE: Final = 60.0
_TARGET: Final = "[Unit]\nDefaultDependencies=no\nRequires=systemd-journald.service\n"
_BOOT: Final = """
set -eu
mkdir "$cgroup"
echo $$ > "$cgroup/cgroup.procs"
exec unshare --fork --kill-child --pid --mount --uts --ipc --cgroup sh -eu -c '
  mount --make-rprivate /
  mount --bind "$root" "$root"
  cd "$root"
  mount -t proc proc proc
  mount -t sysfs -o ro sys sys
  mount -t tmpfs tmpfs run
  mount -t tmpfs tmpfs tmp
  mount -t tmpfs tmpfs dev
  for each in null zero full random urandom tty; do touch dev/$each; mount --bind /dev/$each dev/$each; done
  mkdir dev/shm dev/pts dev/mqueue
  mount -t tmpfs tmpfs dev/shm
  mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
  mount -t mqueue mqueue dev/mqueue
  ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
  if [ "$version" = 2 ]; then
    mount -t cgroup2 cgroup sys/fs/cgroup
  else
    mount -t tmpfs tmpfs sys/fs/cgroup
    mkdir sys/fs/cgroup/systemd
    mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
  fi
  mount --bind proc/sys proc/sys
  mount -o remount,bind,ro proc/sys
  mkdir -p before
  pivot_root . before
  umount -l /before
  mount --make-rshared /  # credentials come into a service by way of that
  exec env --ignore-environment container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --system --unit=test.target --log-target=journal --show-status=no
'
"""


class Machine:
    """A machine that runs; it shares the network with us."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def run(self, *command: str) -> str:
        """Return what a command says in it; fail if it fails."""
        done = self.tried(*command)
        assert done.returncode == 0, f"{command}: {done.stdout} {done.stderr}"
        return done.stdout

    def tried(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Return how a command ended."""
        inside = ("nsenter", "--target", str(self._pid), "--all", "--root", "--wd", "env", "PATH=/usr/sbin:/usr/bin")
        return subprocess.run([*inside, *command], capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603

    def until(self, wanted: str, *command: str) -> None:
        """Wait until a command says what is *wanted*."""
        deadline = time.monotonic() + PATIENCE
        while wanted not in (said := self.tried(*command).stdout):
            assert time.monotonic() < deadline, said
            time.sleep(0.2)


def install(root: Path) -> None:
    """Put a Debian with systemd into *root* that boots to nothing but its journal."""
    debian(root, PACKAGES)
    (root / "etc/systemd/system/test.target").write_text(_TARGET, encoding="utf-8")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n", encoding="utf-8")


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Let the system in *root* run while the context lasts."""
    mounted, version, own = _control_group()
    group = mounted / own.removeprefix("/") / f"m365-backup-test-{root.name}"
    told = {"root": str(root), "cgroup": str(group), "version": version, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    with subprocess.Popen(["sh", "-c", _BOOT], env=told) as process:  # noqa: S603, S607 - our own script
        try:
            machine = Machine(_child(process))
            machine.until("running", "systemctl", "is-system-running")
            yield machine
        finally:
            process.kill()
            process.wait(PATIENCE)
            _remove(group)


def _control_group() -> tuple[Path, str, str]:
    """Return where control groups are, in which version of their interface, and our own one."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()]
    groups = {controllers: path for _, controllers, path in lines}
    top = Path("/sys/fs/cgroup")
    if (top / "cgroup.controllers").exists():
        return top, "2", groups[""]
    return top / "systemd", "1", groups["name=systemd"]


def _child(process: subprocess.Popen[bytes]) -> int:
    """Return the first process of the new machine."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + PATIENCE
    while True:
        found = children.read_text(encoding="utf-8").split()
        if found and Path(f"/proc/{found[0]}/comm").read_text(encoding="utf-8").strip() == "systemd":
            return int(found[0])
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _remove(group: Path) -> None:
    """Remove a control group with all below it, once the kernel lets them go."""
    deadline = time.monotonic() + PATIENCE
    while any(each.read_text(encoding="utf-8") for each in group.rglob("cgroup.procs")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    for each in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
        each.rmdir()
    group.rmdir()
