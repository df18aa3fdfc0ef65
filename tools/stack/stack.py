"""All programs of the stack, in the order in which they need each other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tools.stack.configs import (
    CUSTOMERS,
    INCIDENTS,
    SEED,
    Addresses,
    write_alertmanager,
    write_exporter,
    write_prometheus,
)
from tools.stack.program import EXPORTER, installed, running


@asynccontextmanager
async def running_stack(
    folder: Path,
    addresses: Addresses,
    *,
    hurry: float = 1.0,
    incidents: Path | None = INCIDENTS,
) -> AsyncIterator[None]:
    """Run everything while the context lasts, with what it writes in *folder*; NotStarted if something does not start.

    *hurry*: how many times shorter rules, scrapes and routes wait than they do as shipped. Without *incidents* the
    simulated world is a calm one.
    """
    struck = () if incidents is None else ("--incidents", str(incidents))
    simulator = (*EXPORTER, "simulate", "--calm", *struck, "--tenants", str(CUSTOMERS), "--seed", str(SEED))
    exporter = (*EXPORTER, "run", "--config", str(write_exporter(folder, addresses)))
    async with AsyncExitStack() as stack:
        for name, command, ready in (
            ("simulator", (*simulator, "--listen", addresses.simulator), addresses.simulator),
            ("exporter", exporter, addresses.exporter + "/-/ready"),
            ("alertmanager", _alertmanager(folder, addresses, hurry), addresses.alertmanager + "/-/ready"),
            ("prometheus", _prometheus(folder, addresses, hurry), addresses.prometheus + "/-/ready"),
        ):
            await stack.enter_async_context(running(name, command, ready=f"http://{ready}", log=folder / f"{name}.log"))
        yield


def _alertmanager(folder: Path, addresses: Addresses, hurry: float) -> tuple[str, ...]:
    return (
        installed("prometheus-alertmanager", "alertmanager"),
        f"--config.file={write_alertmanager(folder, addresses, hurry)}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={addresses.alertmanager}",
        "--cluster.listen-address=",  # it is alone
    )


def _prometheus(folder: Path, addresses: Addresses, hurry: float) -> tuple[str, ...]:
    return (
        installed("prometheus"),
        f"--config.file={write_prometheus(folder, addresses, hurry)}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={addresses.prometheus}",
    )
