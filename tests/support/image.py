"""The container image, built without an engine and run as one would: read-only, and with nobody's privileges."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent.parent
BASE: Final = "localhost/python-base:bookworm"
BUILT: Final = "localhost/m365-backup-exporter:test"
PACKAGES: Final = ("python3", "python3-venv", "ca-certificates", "tzdata")
LONGEST: Final = 1200
_TOLD: Final = re.compile(r"^(?:global|:env:)\.(cert|client-cert|index-url|proxy|trusted-host)='(.*)'$", re.MULTILINE)
_MOUNTS: Final = """
mkdir -p "$root/etc/m365-backup-exporter" "$root/proc" "$root/dev"
touch "$root/etc/m365-backup-exporter/config.yaml"
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$state" "$root/var/lib/m365-backup-exporter"
mount --bind "$config" "$root/etc/m365-backup-exporter/config.yaml"
exec chroot "$root" setpriv --reuid "$uid" --regid "$gid" --clear-groups --no-new-privs --bounding-set -all \
  env --ignore-environment --chdir "$folder" "$@"
"""


def debian(folder: Path, packages: Sequence[str]) -> None:
    """Put a Debian into *folder* that is as small as can be, with these packages."""
    _done("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", "bookworm", str(folder))


class Builder:
    """Buildah with a storage of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        storage = ("--storage-driver", "vfs", "--root", str(folder / "storage"), "--runroot", str(folder / "run"))
        self._buildah: Final = ("buildah", *storage)

    def base(self) -> None:
        """Make an image of Debian with its Python, as small as Debian can be."""
        system = self._folder / "system"
        debian(system, PACKAGES)
        container = self._run("from", "scratch")
        self._run("copy", "--quiet", container, str(system), "/")
        self._run("commit", "--quiet", "--rm", container, BASE)

    def build(self) -> "Image":
        """Build the image of the repository on that base."""
        shared = [option for each in self._pip_settings() for option in ("--volume", f"{each}:ro")]
        self._run(
            *("build", "--isolation", "chroot", "--format", "docker", "--tag", BUILT),
            *("--build-arg", f"BASE={BASE}", "--build-arg", "VERSION=test", *shared, str(ROOT)),
        )
        container = self._run("from", BUILT)
        root = Path(self._run("mount", container))
        config = json.loads(self._run("inspect", "--type", "image", BUILT))["Docker"]["config"]
        sizes = {each["names"][0]: each["size"] for each in json.loads(self._run("images", "--json"))}
        return Image(root, config, sizes)

    def _pip_settings(self) -> list[str]:
        """Return what to mount, so that the pip in a build gets out as this machine's does."""
        settings = dict(_TOLD.findall(_done(sys.executable, "-m", "pip", "config", "list")))
        file = self._folder / "pip.conf"
        file.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
        certificates = [settings[key] for key in ("cert", "client-cert") if key in settings]
        return [f"{file}:/etc/pip.conf", *(f"{each}:{each}" for each in certificates)]

    def _run(self, *arguments: str) -> str:
        return _done(*self._buildah, *arguments)


@dataclass(frozen=True, slots=True)
class Image:
    """What was built."""

    root: Path
    """Its files."""
    config: dict[str, Any]
    """What an engine reads of it: Env, Entrypoint, Healthcheck, ..."""
    sizes: dict[str, str]
    """Of it and of its base."""

    def command(self, arguments: Sequence[str], *, config: Path, state: Path) -> list[str]:
        """Return the command that runs *arguments* in it, its root read-only, as its user, without capabilities.

        It is mounted in a namespace of its own, which ends with it; what is returned is the process itself.
        """
        uid, gid = self.config["User"].split(":")
        given = {"root": self.root, "state": state, "config": config, "uid": uid, "gid": gid}
        given["folder"] = self.config["WorkingDir"]
        told = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in given.items())
        script = f"set -eu\n{told}{_MOUNTS}"
        return ["unshare", "--mount", "sh", "-c", script, "sh", *self.config["Env"], *arguments]


def _done(*command: str) -> str:
    """Return what a command says; fail with its last words if it fails."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command, capture_output=True, text=True, check=False, timeout=LONGEST, env=os.environ
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]} {done.stderr[-4000:]}"
    return done.stdout.strip()
