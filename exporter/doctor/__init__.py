"""The command that tries every source and says what is wrong with it, and what to do; it keeps and changes nothing."""

import argparse
import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from aiohttp import ClientSession
from rich.console import Console

from exporter.clock import Clock
from exporter.doctor.examination import Examination
from exporter.doctor.finding import Finding
from exporter.doctor.findings import Reader, any_failed
from exporter.doctor.notebook import Notebook
from exporter.doctor.scopes import refused_alone
from exporter.doctor.table import show
from exporter.errors import PermissionMissing, SettingsError, SourceError
from exporter.fleet import connect
from exporter.log import configure
from exporter.roster import Roster
from exporter.settings import Settings, load
from exporter.source import Surroundings
from exporter.sources import AnySource
from exporter.steps import Steps

FAILED: Final = 1
AT_ONCE: Final = 8
"""How many sources are tried at the same time."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `doctor` but ``--config`` to its parser."""
    command.add_argument("--source", action="append", metavar="S", help="only this one; may be given several times")


def doctor(options: argparse.Namespace, clock: Clock, session: Callable[[], ClientSession]) -> int:
    """Try the sources and print the findings; 0 if all is well, 1 if not."""
    configure(level="warning", form="auto")
    settings = load(options.config)
    names = _names(options.config, settings, options.source)
    findings = asyncio.run(examine(settings, names, clock, session))
    show(findings, Console())
    return FAILED if any_failed(findings) else 0


def _names(config: Path, settings: Settings, wanted: Sequence[str] | None) -> list[str]:
    """Return the sources to try, in the order of the configuration."""
    strangers = [name for name in wanted or () if name not in settings.sources]
    if strangers:
        raise SettingsError([f"{config}: sources: there is no {name}" for name in strangers])
    return [name for name in settings.sources if wanted is None or name in wanted]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """One source and what it takes to try it."""

    its: AnySource
    surroundings: Surroundings
    examination: Examination

    async def findings(self, step: Callable[[], None]) -> list[Finding]:
        """Try it and say how it is."""
        await self.examination.run(step)
        missing, stranger = await self._refused()
        reader = Reader(examination=self.examination, its=self.its, missing=missing, stranger=stranger)
        return list(reader.findings())

    async def _refused(self) -> tuple[tuple[str, ...], str]:
        """Return what is missing if the token endpoint refused all permissions because of some."""
        if not isinstance(self.examination.notebook.token.error, PermissionMissing):
            return (), ""
        try:
            return await refused_alone(self.its, self.surroundings)
        except SourceError:  # the finding is that of the first try then
            return (), ""


async def examine(
    settings: Settings, names: Sequence[str], clock: Clock, session: Callable[[], ClientSession]
) -> list[Finding]:
    """Try these sources side by side; `SettingsError`, before any is asked, if one cannot be built."""
    async with session() as opened:
        patients = {name: _patient(settings, name, clock, opened) for name in names}
        with Steps(Console(stderr=True), clock, "collectors") as steps:
            return [each for found in await _all(patients, steps) for each in found]


async def _all(patients: Mapping[str, Patient], steps: Steps) -> Sequence[list[Finding]]:
    places = asyncio.Semaphore(AT_ONCE)
    total = sum(len(patient.examination.source.plans) for patient in patients.values())
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        steps.show(done, total)

    async def one(patient: Patient) -> list[Finding]:
        async with places:
            return await patient.findings(step)

    return await asyncio.gather(*map(one, patients.values()))


def _patient(settings: Settings, name: str, clock: Clock, session: ClientSession) -> Patient:
    its, shard = settings.sources[name], settings.shard.shard()
    notebook = Notebook(clock)
    plain = Surroundings(session=session, clock=clock, observer=notebook, share=shard.total)
    return Patient(
        its=its,
        surroundings=replace(plain, observer=Notebook(clock)),
        examination=Examination(
            name=name,
            source=connect(name, its, replace(plain, sampler=notebook)),
            notebook=notebook,
            roster=Roster(name, its.tenants, shard),
        ),
    )
