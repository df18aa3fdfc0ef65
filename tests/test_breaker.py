"""When to stop asking."""

from exporter.breaker import PROBE_EVERY, THRESHOLD, Breaker


def failed(breaker: Breaker, times: int, now: float = 0.0) -> Breaker:
    """Let the breaker see failures."""
    for _ in range(times):
        breaker.failed(now)
    return breaker


def begun(breaker: Breaker, now: float) -> bool:
    """Begin a collection if the breaker admits one."""
    admitted = breaker.admits(now)
    if admitted:
        breaker.begin(now)
    return admitted


def test_closed_until_failures_repeat() -> None:
    """A few failures change nothing; a success in between forgives them."""
    breaker = failed(Breaker(), THRESHOLD - 1)
    breaker.succeeded()
    failed(breaker, THRESHOLD - 1)

    assert begun(breaker, 0.0)
    assert begun(breaker, 0.0)


def test_open_admits_one_probe_a_minute() -> None:
    """Once open, one collection a minute goes out, the first a minute after the breaker opened."""
    breaker = failed(Breaker(), THRESHOLD, now=100.0)

    admitted = [at for at in range(100, 400, 10) if begun(breaker, float(at))]

    assert admitted == [160, 220, 280, 340]
    assert PROBE_EVERY == 60.0


def test_success_closes() -> None:
    """The first success of a probe opens the way for all."""
    breaker = failed(Breaker(), THRESHOLD)

    breaker.succeeded()

    assert not breaker.open
    assert begun(breaker, 1.0)


def test_a_probe_that_asked_nobody_is_given_back() -> None:
    """If the collection admitted had nothing to ask, the next one is the probe, without a minute's wait."""
    breaker = failed(Breaker(), THRESHOLD)
    assert begun(breaker, 60.0)

    breaker.give_back(61.0)

    assert begun(breaker, 61.0)
    assert not begun(breaker, 62.0)
