"""What was fetched, window by window, in a file beside the output: an interrupted backfill goes on from there.

The first line says what was asked for, each further one is a window of a tenant. A line is whole or not there.
"""

import fcntl
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Final, NamedTuple, Self

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from exporter.backfill.order import Span
from exporter.errors import SettingsError
from exporter.records import Run

SUFFIX: Final = ".partial"
VERSION: Final = 1
"""Of the form of the file."""


class Window(NamedTuple):
    """A part of a tenant's past, in Unix seconds: what started not before *since* and before *until*."""

    source: str
    tenant: str
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What the history is asked for, as it was written."""

    since: str
    until: str | None


@dataclass(frozen=True, slots=True)
class _Heading:
    """The first line."""

    asked: Asked
    span: Span
    version: int


@dataclass(frozen=True, slots=True)
class _Fetched:
    """Another line."""

    window: Window
    runs: tuple[Run, ...]


_HEADING: Final = TypeAdapter(_Heading)
_FETCHED: Final = TypeAdapter(_Fetched)


@dataclass(slots=True)
class Journal:
    """The windows that were fetched; its methods block, but never for long."""

    span: Span
    """What is told of; that of the first attempt, if this one goes on with it."""
    path: Path | None
    """The file; ``None`` for one without a name, which goes with the process."""
    _file: IO[bytes]
    windows: dict[Window, int] = field(default_factory=dict)
    """Those that are there, each with the place of its line."""
    _writing: Lock = field(default_factory=Lock)
    """Held by the one thread that may write."""

    @classmethod
    def open(cls, output: Path | None, asked: Asked, span: Span) -> Self:
        """Open the file beside *output*, or begin it; `SettingsError` if it is not ours to go on with."""
        if output is None:
            journal = cls(span, None, tempfile.TemporaryFile())  # noqa: SIM115 - closed by `close`
            journal._begin(asked)
            return journal
        path = output.with_name(output.name + SUFFIX)
        try:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        except OSError as error:
            raise SettingsError([f"{path}: cannot be written: {error.strerror}"]) from error
        journal = cls(span, path, file)
        try:
            journal._resume(asked)
        except SettingsError:
            file.close()
            raise
        return journal

    def append(self, window: Window, runs: Sequence[Run]) -> None:
        """Keep a window; when this returns, no crash takes it away."""
        line = to_json(_Fetched(window, tuple(runs)))
        with self._writing:
            place = self._file.seek(0, os.SEEK_END)
            self._write(line)
            self.windows[window] = place

    def runs(self, source: str, tenant: str) -> list[Run]:
        """Return the runs of a tenant, each once."""
        found: dict[str, Run] = {}
        for window, place in self.windows.items():
            if (window.source, window.tenant) == (source, tenant):
                self._file.seek(place)
                found |= {run.run_id: run for run in _FETCHED.validate_json(self._file.readline()).runs}
        return list(found.values())

    def close(self, *, done: bool) -> None:
        """Let go of the file; delete it if all is *done*, or nothing was."""
        if self.path is not None and (done or not self.windows):
            self.path.unlink(missing_ok=True)
        self._file.close()

    def _begin(self, asked: Asked) -> None:
        self._file.truncate(0)
        self._file.seek(0)
        self._write(to_json(_Heading(asked, self.span, VERSION)))

    def _write(self, line: bytes) -> None:
        self._file.write(line + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def _resume(self, asked: Asked) -> None:
        """Read what is there; half a line at the end, of a crash, is taken off."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SettingsError([f"{self.path}: another backfill is at work on it"]) from error
        line = self._file.readline()
        if not line.endswith(b"\n"):
            self._begin(asked)
            return
        heading = self._heading(line)
        if heading.asked != asked:
            before = f"--since {heading.asked.since}" + (
                f" --until {heading.asked.until}" if heading.asked.until else ""
            )
            raise SettingsError(
                [f"{self.path}: holds what was fetched with {before}; go on with these, or delete the file"]
            )
        self.span = heading.span
        self._index()

    def _heading(self, line: bytes) -> _Heading:
        with suppress(ValidationError):
            heading = _HEADING.validate_json(line)
            if heading.version == VERSION:
                return heading
        raise SettingsError([f"{self.path}: is not the work of this version's backfill; delete it to begin anew"])

    def _index(self) -> None:
        place = self._file.tell()
        while (line := self._file.readline()).endswith(b"\n"):
            try:
                self.windows[_FETCHED.validate_json(line).window] = place
            except ValidationError:
                break
            place = self._file.tell()
        self._file.truncate(place)
