"""Whether settings are still those that somebody once agreed to."""

from exporter.drift import REMEMBER_PROFILES, ProfileBook
from exporter.records import ScanProfile

NOW = 1_772_400_000.0


def profile(name: str = "p1", **settings: str) -> ScanProfile:
    """Return a profile with these settings."""
    return ScanProfile(tenant="contoso", profile=name, name="Default", settings=settings)


def drifted(book: ProfileBook, shown: ScanProfile) -> dict[str, bool]:
    """Return what has drifted of a profile that is shown."""
    (fact,), _ = book.facts([shown], NOW, birth_delay=0.0)
    return dict(fact.drifted)


def test_long_outage_keeps_the_baseline() -> None:
    """A profile that could not be asked for during two months still drifts from what was seen first."""
    book = ProfileBook()
    book.observe([profile(scan_mode="express")], NOW)
    changed = profile(scan_mode="advanced")

    changes = book.observe([changed], NOW + 2 * REMEMBER_PROFILES)

    assert [(change.old, change.new) for change in changes] == [("express", "advanced")]
    assert drifted(book, changed) == {"scan_mode": True}


def test_deleted_profiles_are_forgotten() -> None:
    """A profile that has not been shown for thirty days leaves nothing behind; one without details is shown."""
    book = ProfileBook()
    book.observe([profile("old", scan_mode="express"), profile("bare", scan_mode="express")], NOW)

    book.observe([profile("bare")], NOW + REMEMBER_PROFILES + 1)

    assert set(book.profiles) == {"bare"}


def test_a_setting_known_later_begins_its_own_baseline() -> None:
    """A setting that the first answer did not hold has not changed when it appears, and drifts from then on."""
    book = ProfileBook()
    book.observe([profile(scan_mode="express")], NOW)

    appeared = book.observe([profile(scan_mode="express", containers="A")], NOW)
    changed = book.observe([profile(scan_mode="express", containers="B")], NOW)

    assert appeared == []
    assert [change.setting for change in changed] == ["containers"]
    assert drifted(book, profile(scan_mode="express", containers="B")) == {"scan_mode": False, "containers": True}


def test_a_gap_is_no_change() -> None:
    """A setting that an answer leaves out and the next one brings back as it was has not changed."""
    book = ProfileBook()
    book.observe([profile(scan_mode="express", containers="A")], NOW)

    gap = book.observe([profile(scan_mode="express")], NOW)
    back = book.observe([profile(scan_mode="express", containers="A")], NOW)

    assert (gap, back) == ([], [])
