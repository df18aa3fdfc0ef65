"""Who is watched: discovered tenants, as the settings and the shard want them."""

from dataclasses import dataclass, field, replace
from typing import Final

from exporter.records import Tenant
from exporter.shard import Shard
from exporter.source_settings import TenantSettings

REPEATS: Final = 3
"""How often a discovery must say the same before a sudden loss of tenants is believed."""


@dataclass(slots=True)
class Roster:
    """The tenants of one source."""

    source: str
    settings: TenantSettings
    shard: Shard
    personal_data: bool = False
    """Whether e-mail addresses may be shown that an earlier configuration asked for."""
    tenants: dict[str, Tenant] = field(default_factory=dict)
    doubts: int = 0
    """How many answers in a row have lost too many tenants to be believed."""

    def described(self, tenant: Tenant) -> Tenant | None:
        """Return the tenant as it is to be shown, with what the operator says of it; ``None`` if it is not wanted."""
        wanted = self.settings.wants(tenant.tenant, tenant.name) and self.shard.owns(self.source, tenant.tenant)
        return self._described(tenant) if wanted else None

    def tells_of_itself(self) -> bool:
        """Tell whether what is no tenant's, such as a server's licence, is shown by this process: only one may."""
        return self.shard.owns(self.source, "")

    def take(self, found: dict[str, Tenant]) -> bool:
        """Replace the tenants by those *found*, described; False if the answer is not believed yet.

        An empty answer, or one without more than half of the known tenants, is as likely a fault of
        the vendor or a changed customer scope as the truth: it must come three times.
        """
        lost = len(self.tenants.keys() - found.keys())
        if self.tenants and lost * 2 > len(self.tenants):
            self.doubts += 1
            if self.doubts < REPEATS:
                return False
        self.doubts = 0
        self.tenants = found
        return True

    def _described(self, tenant: Tenant) -> Tenant:
        if tenant.owner_email is not None and not self.personal_data:
            tenant = replace(tenant, owner_email=None)
        override = self.settings.override(tenant.tenant, tenant.name)
        if override is None:
            return tenant
        return replace(
            tenant,
            labels=override.labels,
            muted=override.muted,
            overdue_after_seconds=override.overdue_after,
        )
