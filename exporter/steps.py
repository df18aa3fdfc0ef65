"""How far a command has come, told on standard error."""

from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from exporter.clock import Clock

SAY_EVERY: Final = 30.0
"""Seconds between two lines where there is no terminal."""


class Steps:
    """A bar on a terminal; elsewhere a line now and then, if it takes long."""

    def __init__(self, console: Console, clock: Clock, things: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._task = self._progress.add_task(things, total=None)
        self._clock = clock
        self._things = things
        self._say_at = clock.now() + SAY_EVERY

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, done: int, total: int) -> None:
        """Show how many of how many there are so far; the total may still grow."""
        self._progress.update(self._task, completed=done, total=total)
        console = self._progress.console
        if not console.is_terminal and self._clock.now() >= self._say_at:
            self._say_at = self._clock.now() + SAY_EVERY
            console.print(f"{done} of {total} {self._things}", markup=False, highlight=False, soft_wrap=True)
