import socket
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.shard import Shard, ordinal

TENANTS = [f"tenant-{number}" for number in range(2000)]
PINNED = [4, 3, 4, 3, 4, 4, 2, 3, 1, 3, 2, 1]
"""Which of five shards owns the first tenants."""


def owners(tenant: str, total: int, source: str = "elements") -> list[int]:
    """Return the shards that say the tenant is theirs."""
    return [index for index in range(total) if Shard(index, total).owns(source, tenant)]


@given(source=st.text(), tenant=st.text(), total=st.integers(min_value=1, max_value=40))
def test_one_owner(source: str, tenant: str, total: int) -> None:
    """Every tenant belongs to exactly one shard, whatever it is called."""
    assert len(owners(tenant, total, source)) == 1


@given(tenant=st.text(), total=st.integers(min_value=1, max_value=30))
def test_only_a_new_shard_takes(tenant: str, total: int) -> None:
    """With one shard more a tenant stays where it was or moves to the new one."""
    (before,), (after,) = owners(tenant, total), owners(tenant, total + 1)

    assert after in {before, total}


@pytest.mark.parametrize("total", [1, 2, 3, 7])
def test_a_new_shard_takes_its_share(total: int) -> None:
    """With one shard more about one in n + 1 tenants moves."""
    moved = sum(owners(tenant, total) != owners(tenant, total + 1) for tenant in TENANTS)

    assert moved / len(TENANTS) == pytest.approx(1 / (total + 1), rel=0.15)


def test_even_shares() -> None:
    """The tenants are divided about evenly."""
    shares = Counter(owners(tenant, 4)[0] for tenant in TENANTS)

    assert all(share == pytest.approx(len(TENANTS) / 4, rel=0.15) for share in shares.values())


def test_sources_are_divided_differently() -> None:
    """The same tenant of another source may belong elsewhere, so that a small source does not sit on one shard."""
    different = [tenant for tenant in TENANTS if owners(tenant, 4, "one") != owners(tenant, 4, "two")]

    assert len(different) / len(TENANTS) == pytest.approx(0.75, rel=0.1)


def test_owners_never_change() -> None:
    """Another version, machine or process divides alike: a moved tenant starts its counters anew."""
    assert [owners(tenant, 5)[0] for tenant in TENANTS[:12]] == PINNED


@pytest.mark.parametrize(
    ("host", "number"),
    [
        ("exporter-0", 0),
        ("m365-backup-exporter-12", 12),
        ("exporter-007", 7),
        ("exporter-3.exporter.monitoring.svc.cluster.local", 3),
    ],
)
def test_ordinals(host: str, number: int) -> None:
    """The number at the end of a StatefulSet pod's name is its ordinal, also of a full name."""
    assert ordinal(host) == number


@pytest.mark.parametrize("host", ["", "laptop", "exporter-", "exporter3", "exporter-3a", "exporter-3-", "exporter-٣"])
def test_no_ordinal(host: str) -> None:
    """A host that is named otherwise is a fault that says what to do, without the name."""
    with pytest.raises(ValueError, match=r"does not end with -<number> .*; set shard\.index$"):
        ordinal(host)


def test_own_ordinal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a name the machine's own is asked."""
    monkeypatch.setattr(socket, "gethostname", lambda: "exporter-4")

    assert ordinal() == 4
