"""Which permission is missing, where the token endpoint refuses them all together: each is asked for alone."""

from collections.abc import Sequence
from typing import Final

from exporter.errors import PermissionMissing
from exporter.source import Surroundings
from exporter.sources import AnySource
from exporter.sources.avepoint import avepoint_tokens
from exporter.sources.cloudbackup.auth import JOBS
from exporter.sources.elements.auth import SCOPES
from exporter.sources.veeam.settings import VeeamSettings

PRODUCTS: Final = {
    SCOPES["v3"]["tenants"]: "kind: elements with api: v3",
    SCOPES["v1"]["tenants"]: "kind: elements with api: v1",
    JOBS: "kind: cloudbackup",
}
"""One permission of each product, and what an app that has it is for."""


async def refused_alone(its: AnySource, surroundings: Surroundings) -> tuple[tuple[str, ...], str]:
    """Return the permissions that the app does not have and, if it has none, what it is for instead, if that is known.

    Raises `SourceError` if the token endpoint fails otherwise.
    """
    if isinstance(its, VeeamSettings):
        return (), ""
    wanted = list(its.auth.scopes or dict.fromkeys(scope for scopes in its.permissions().values() for scope in scopes))
    missing = await _refused(its, surroundings, wanted)
    if len(missing) < len(wanted):
        return missing, ""
    others = [scope for scope in PRODUCTS if scope not in wanted]
    granted = set(others) - set(await _refused(its, surroundings, others))
    return missing, next((PRODUCTS[scope] for scope in others if scope in granted), "")


async def _refused(its: AnySource, surroundings: Surroundings, scopes: Sequence[str]) -> tuple[str, ...]:
    assert not isinstance(its, VeeamSettings)  # noqa: S101 - it has no scopes
    refused = []
    for scope in scopes:
        try:
            await avepoint_tokens(its, surroundings, base_url=its.base_url, auth=its.auth, scopes=[scope]).header()
        except PermissionMissing:
            refused.append(scope)
    return tuple(refused)
