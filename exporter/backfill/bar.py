"""What a backfill says while it works, all of it on standard error."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from exporter.log.printable import printable


class Bar:
    """A bar on a terminal, and lines above it; elsewhere only the lines."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._task = self._progress.add_task("", total=None)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, total: int | None) -> None:
        """Begin another stretch of work of so many steps."""
        self._progress.reset(self._task, total=total, description="")

    def step(self, what: str) -> None:
        """Show that a step was done, and which."""
        self._progress.update(self._task, advance=1, description=what)

    def more(self, steps: int) -> None:
        """Expect further steps."""
        total = self._progress.tasks[0].total
        self._progress.update(self._task, total=(total or 0) + steps)

    def say(self, line: str) -> None:
        """Write a line."""
        self._progress.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)
