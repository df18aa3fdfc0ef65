"""The command for a container's HEALTHCHECK: asks the exporter beside it whether it is healthy."""

import argparse
import http.client
import ssl
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Final

from exporter.errors import SettingsError
from exporter.settings import WebSettings, load
from exporter.web.config.options import web_config

PATIENCE: Final = 5.0
"""Seconds to wait for an answer."""
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, not bound to
GUARDED: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})
"""Who asks for a password answers; the configuration has only hashes, so that we know none."""


def healthcheck(options: argparse.Namespace) -> int:
    """Return 0 if the exporter that runs with this configuration is healthy, else 1, and say why not."""
    return check(options.config, WebSettings())


def check(config: Path, usual: WebSettings) -> int:
    """Return 0 if the exporter is healthy, else 1.

    While the file is at fault the *usual* port is asked: an edit that went wrong must not have a daemon replaced
    that works on.
    """
    try:
        connection = _connection(load(config).web)
    except SettingsError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        connection = _connection(usual)
    why_not = _asked(connection)
    if why_not is not None:
        sys.stderr.write(f"not healthy: {why_not}\n")
    return 0 if why_not is None else 1


def _connection(web: WebSettings) -> http.client.HTTPConnection:
    """Return one to the first address that is listened on, not opened yet."""
    host, port = web.addresses()[0]
    host = EVERYWHERE.get(host, host)
    if web.config_file and _has_tls(web.config_file):
        # The certificate bears any name but this address, and nothing secret is sent.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=PATIENCE, context=context)
    return http.client.HTTPConnection(host, port, timeout=PATIENCE)


def _has_tls(path: Path) -> bool:
    return web_config(path).tls_server_config is not None


def _asked(connection: http.client.HTTPConnection) -> str | None:
    """Return why the exporter is not healthy, if so."""
    shaken = False
    try:
        connection.connect()
        shaken = isinstance(connection, http.client.HTTPSConnection)
        connection.request("GET", "/-/healthy")
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        return None if _wants_certificate(error, shaken=shaken) else str(error)
    finally:
        connection.close()
    return None if answer.status == HTTPStatus.OK or answer.status in GUARDED else text


def _wants_certificate(error: Exception, *, shaken: bool) -> bool:
    """Tell whether it hung up because we have no certificate: it is there then, and answers.

    With TLS 1.3 it does so after hands were *shaken*, before that with TLS 1.2. One that is stuck does neither.
    """
    refused = isinstance(error, ssl.SSLEOFError) or (
        isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")
    )
    return refused or (shaken and isinstance(error, ConnectionError))
