"""Whether a scan profile's settings are still those that somebody once agreed to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter.records import ScanProfile, ScanProfileDrift

REMEMBER_PROFILES: Final = 30 * 86400.0
"""How long a profile that is not shown may return and find its baseline."""


class SettingChange(NamedTuple):
    """One observed change, for the log."""

    profile: str
    setting: str
    old: str
    new: str


@dataclass(slots=True)
class ProfileMemory:
    """What is remembered of one profile."""

    born: float
    agreed: dict[str, str]
    """The first answer seen, or what was accepted since: the baseline where none is configured."""
    settings: dict[str, str]
    """The last known value of each."""
    seen_at: float
    """When the vendor last showed the profile."""
    changes: int = 0


@dataclass(slots=True)
class ProfileBook:
    """The profiles of one tenant of one source."""

    profiles: dict[str, ProfileMemory] = field(default_factory=dict)

    def observe(self, profiles: Iterable[ScanProfile], now: float) -> list[SettingChange]:
        """Enter an answer and return what changed; a setting that was not known before has not changed."""
        changes: list[SettingChange] = []
        for profile in profiles:
            if profile.profile in self.profiles:
                self.profiles[profile.profile].seen_at = now
            if not profile.settings:
                continue
            settings = dict(profile.settings)
            memory = self.profiles.setdefault(profile.profile, ProfileMemory(now, settings, settings, seen_at=now))
            changed = [
                SettingChange(profile.profile, setting, memory.settings[setting], settings[setting])
                for setting in sorted(memory.settings.keys() & settings.keys())
                if memory.settings[setting] != settings[setting]
            ]
            memory.changes += len(changed)
            memory.agreed = {**settings, **memory.agreed}
            memory.settings = {**memory.settings, **settings}
            changes += changed
        for gone in [name for name, memory in self.profiles.items() if now - memory.seen_at > REMEMBER_PROFILES]:
            del self.profiles[gone]
        return changes

    def accept(self, profile: str, settings: Mapping[str, str]) -> bool:
        """Take *settings* for the profile's new baseline; False if there is no such profile."""
        memory = self.profiles.get(profile)
        if memory is None:
            return False
        memory.agreed = {**memory.agreed, **settings}
        return True

    def facts(
        self,
        profiles: Iterable[ScanProfile],
        now: float,
        *,
        birth_delay: float,
        baseline: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[list[ScanProfileDrift], float | None]:
        """Return drift and changes of the profiles shown, and when the answer would be another.

        What the operator's *baseline* says of a setting counts for more than what was seen.
        """
        facts: list[ScanProfileDrift] = []
        births: list[float] = []
        for profile in profiles:
            memory = self.profiles.get(profile.profile)
            if memory is None:
                continue
            grown_up = memory.born + birth_delay
            if now < grown_up:
                births.append(grown_up)
            facts.append(
                ScanProfileDrift(
                    tenant=profile.tenant,
                    profile=profile.profile,
                    drifted=_drift(memory, baseline),
                    changes=memory.changes * (now >= grown_up),
                )
            )
        return facts, min(births, default=None)


def _drift(memory: ProfileMemory, baseline: Mapping[str, str]) -> dict[str, bool]:
    agreed = {**memory.agreed, **baseline}
    return {setting: value != agreed.get(setting, value) for setting, value in memory.settings.items()}
