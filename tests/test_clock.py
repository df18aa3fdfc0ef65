"""Time that schedules can rely on."""

import pytest

from exporter.clock import SystemClock


class Machine:
    """A wall clock that can be set, and a monotonic one that cannot."""

    def __init__(self) -> None:
        self.wall = 1_772_400_000.0
        self.monotonic = 50.0

    def pass_(self, seconds: float, *, step: float = 0.0) -> None:
        """Let time pass, and the wall clock be set by *step*."""
        self.monotonic += seconds
        self.wall += seconds + step


@pytest.fixture
def machine() -> Machine:
    """Return a machine whose clocks stand."""
    return Machine()


@pytest.fixture
def clock(machine: Machine) -> SystemClock:
    """Return the clock of that machine."""
    return SystemClock(lambda: machine.wall, lambda: machine.monotonic)


def test_it_is_the_wall_clock(machine: Machine, clock: SystemClock) -> None:
    """As long as nobody sets it, it is the machine's wall clock."""
    machine.pass_(1234.5)

    assert clock.now() == machine.wall


def test_small_steps_are_worked_off(machine: Machine, clock: SystemClock) -> None:
    """A step of some seconds is never jumped, and gone after a while."""
    before = clock.now()
    machine.pass_(1.0, step=10.0)

    assert clock.now() == pytest.approx(before + 1.05)
    for _ in range(300):
        machine.pass_(1.0)
        clock.now()
    assert clock.now() == pytest.approx(machine.wall)


def test_set_back_it_runs_at_half_speed(machine: Machine, clock: SystemClock) -> None:
    """A clock that was ahead by an hour never runs backwards, and is right two hours later."""
    last = clock.now()
    machine.pass_(0.0, step=-3600.0)

    for _ in range(7200):
        machine.pass_(1.0)
        assert clock.now() > last
        last = clock.now()

    assert clock.now() == pytest.approx(machine.wall)


def test_far_behind_is_corrected_at_once(machine: Machine, clock: SystemClock) -> None:
    """After a night asleep the time is right at once: nothing may claim to be fresh by mistake."""
    machine.pass_(1.0, step=8 * 3600.0)

    assert clock.now() == machine.wall


async def test_sleeping_for_nothing_returns(clock: SystemClock) -> None:
    """A wait that is over already does not wait."""
    await clock.sleep(-1.0)

    assert clock.now() > 0
