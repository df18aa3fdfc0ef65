"""All that the web configuration file asks for, read and checked in one go; nothing here runs on the event loop."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter.errors import SettingsError
from exporter.web.config.options import TlsServerConfig, web_config
from exporter.web.config.tls import Material, server_context


@dataclass(frozen=True, slots=True)
class Protection:
    """What is to be in force."""

    users: Mapping[bytes, bytes]
    """Names and bcrypt hashes; nobody needs a password if there are none."""
    headers: Mapping[str, str]
    tls: ssl.SSLContext | None
    seen: Mapping[Path, bytes | str]
    """What the files held that it was made of."""

    def outdated(self) -> bool:
        """Tell whether a file has changed since: by its content, for dates are too coarse and mounts are swapped."""
        return any(_content(path) != content for path, content in self.seen.items())


def read_protection(path: Path) -> Protection:
    """Read the file at *path* and those that it names; `SettingsError` tells what is wrong with them."""
    seen = {path: _content(path)}
    config = web_config(path)
    tls = None
    if config.tls_server_config:
        wanted = config.tls_server_config
        seen |= {file: _content(file) for file in _files(wanted, path.parent).values()}
        try:
            tls = server_context(wanted, _material(wanted, path.parent, seen))
        except SettingsError as error:
            raise SettingsError([f"{path}: tls_server_config.{fault}" for fault in error.faults]) from None
    return Protection(
        users={
            name.encode(): stored.get_secret_value().encode()
            for name, stored in (config.basic_auth_users or {}).items()
        },
        headers={str(name): value for name, value in config.http_server_config.headers.items()},
        tls=tls,
        seen=seen,
    )


def _content(path: Path) -> bytes | str:
    """Return what the file holds, or why that cannot be known."""
    try:
        return path.read_bytes()
    except OSError as error:
        return error.strerror or type(error).__name__


def _files(wanted: TlsServerConfig, folder: Path) -> dict[str, Path]:
    """Return the files that are named, by the option that names them."""
    named = {"cert_file": wanted.cert_file, "key_file": wanted.key_file, "client_ca_file": wanted.client_ca_file}
    return {option: folder / file for option, file in named.items() if file is not None}


def _material(wanted: TlsServerConfig, folder: Path, seen: Mapping[Path, bytes | str]) -> Material:
    found = {option: seen[file] for option, file in _files(wanted, folder).items()}
    faults = [f"{option}: cannot be read: {why}" for option, why in found.items() if isinstance(why, str)]
    if faults:
        raise SettingsError(faults)
    read = {option: content for option, content in found.items() if isinstance(content, bytes)}
    if wanted.cert is not None:
        read["cert_file"] = wanted.cert.encode()
    if wanted.key is not None:
        read["key_file"] = wanted.key.get_secret_value().encode()
    if wanted.client_ca is not None:
        read["client_ca_file"] = wanted.client_ca.encode()
    return Material(read["cert_file"], read["key_file"], read.get("client_ca_file"))
