"""What the tests of both AvePoint sources play on: a vendor that answers single endpoints, and whoever listens."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from aiohttp import ClientSession

from exporter.source import Source, Surroundings
from exporter.sources.cloudbackup.settings import CloudBackupSettings
from exporter.sources.elements.settings import ElementsSettings
from tests.support.clock import FakeClock
from tests.support.observer import SilentObserver
from tests.support.vendor import Vendor

MORNING: Final = 1_772_517_600.0
"""2026-03-03T06:00:00Z, an hour in which the recorded answers may have been given."""
FAST: Final[dict[str, Any]] = {
    "auth": {"client_id": "any", "client_secret": "simulated"},
    "limits": {"requests_per_second": 1000},
}
"""Options with which a source never waits."""


@dataclass
class Notes(SilentObserver):
    """What a source told of values it could not read, or did not know."""

    failed: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def value_failed(self, field: str) -> None:
        """Count it."""
        self.failed[field] += 1

    def value_unknown(self, field: str) -> None:
        """Count it."""
        self.unknown[field] += 1


@dataclass
class AvePointStage:
    """A vendor, a clock, and the means to build sources on them."""

    vendor: Vendor
    session: ClientSession
    clock: FakeClock
    notes: Notes = field(default_factory=Notes)

    def build(self, name: str, settings: ElementsSettings | CloudBackupSettings) -> Source:
        """Return the source that *settings* describe; the identity service has a token for it."""
        jitter = Random(1)  # noqa: S311 - no secret
        surroundings = Surroundings(session=self.session, clock=self.clock, observer=self.notes, random=jitter)
        self.vendor.post(
            settings.auth.token_url, payload={"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
        )
        return settings.build(name, surroundings)
