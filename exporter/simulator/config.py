"""The configurations with which `run` watches a simulator."""

import json
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

from exporter.simulator import identity
from exporter.simulator.customers import Customer

ElementsApi = Literal["v3", "v1"]
CloudBackupApi = Literal["v2", "v1", "legacy"]
VeeamApi = Literal["auto", "v8", "v7", "v6"]

VEEAM_USER: Final = "CONTOSO\\monitor"
CLIENT_ID: Final = "5150a7ed-0000-4000-8000-000000000001"


def config_for(base_url: str, *, api: ElementsApi) -> str:
    """Return the YAML with which `run` watches Elements at *base_url*."""
    lines = [
        "sources:",
        "  elements_sim:",
        "    kind: elements",
        f"    api: {api}",
        f"    base_url: {base_url}{'/partner' if api == 'v1' else ''}",
        *_access(base_url, CLIENT_ID),
    ]
    return "\n".join(lines) + "\n"


def cloudbackup_config_for(base_url: str, customers: Iterable[Customer], *, api: CloudBackupApi) -> str:
    """Return the YAML with which `run` watches Cloud Backup at *base_url*: one source for each of *customers*."""
    lines = [line for number, customer in enumerate(customers) for line in _source(base_url, customer, number, api)]
    return "\n".join(["sources:", *lines]) + "\n" if lines else "sources: {}\n"


def veeam_config_for(base_url: str, *, api: VeeamApi, fingerprint: str | None = None) -> str:
    """Return the YAML with which `run` watches Veeam at *base_url*, trusting the certificate with *fingerprint*."""
    lines = [
        "sources:",
        "  veeam_sim:",
        "    kind: veeam",
        f"    api: {api}",
        f"    base_url: {base_url}",
        "    auth:",
        f"      username: '{VEEAM_USER}'",
        f"      password: {identity.SECRET}",
        *_plain_http(base_url),
    ]
    if fingerprint:
        lines += ["    tls:", f"      fingerprint_sha256: '{fingerprint}'"]  # without quotes it may be a number
    return "\n".join(lines) + "\n"


def _source(base_url: str, customer: Customer, number: int, api: CloudBackupApi) -> list[str]:
    tenant = {"id": customer.id, "name": customer.organization}
    return [
        f"  cloudbackup_sim_{number + 1}:",
        "    kind: cloudbackup",
        f"    api: {api}",
        f"    base_url: {base_url}",
        f"    tenant: {json.dumps(tenant)}",  # what is JSON is YAML
        *_access(base_url, customer.id),
    ]


def _access(base_url: str, client_id: str) -> list[str]:
    return [
        "    auth:",
        f"      token_url: {base_url}{identity.PATH}",
        f"      client_id: {client_id}",
        f"      client_secret: {identity.SECRET}",
        *_plain_http(base_url),
    ]


def _plain_http(base_url: str) -> list[str]:
    """Return the permission to use plain HTTP, where it is needed."""
    url = urlsplit(base_url)
    return [] if url.scheme == "https" or _is_loopback(url.hostname or "") else ["    allow_plain_http: true"]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
