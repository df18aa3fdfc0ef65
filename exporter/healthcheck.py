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
    """Return 0 if the exporter that runs with this configuration is healthy, else 1, and say why not.

    While the file is at fault the usual port is asked: an edit that went wrong must not have a daemon replaced
    that works on.
    """
    try:
        connection = _connection(load(options.config).web)
    except SettingsError as error:
        sys.stderr.writelines(f"{fault}\n" for fault in error.faults)
        connection = _connection(WebSettings())
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
    try:
        connection.request("GET", "/-/healthy")
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace").strip()
    except ssl.SSLError as error:
        # It wants a client's certificate: then it is there, and answers.
        return None if "ALERT" in (error.reason or "") else str(error)
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    return None if answer.status == HTTPStatus.OK or answer.status in GUARDED else text
