"""Where Veeam keeps backups, and the machines that move them there."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look
from grafana.src.panels import Panel, Query, Words, lines_panel
from grafana.src.promql import (
    SHOWN,
    SOURCE,
    newest,
    series,
)
from grafana.src.tables import SOURCE_COLUMN, Label, Value, table_panel

OF_REPOSITORY: Final = ("source", "repository")
OF_PROXY: Final = ("source", "proxy")
REPOSITORY: Final = "m365backup_repository_"
PROXY: Final = "m365backup_proxy_"
USED: Final = "source_repository:m365backup_repository_used:ratio"
NONE: Final = "no source is a Veeam server"


def repositories() -> Iterator[Panel]:
    """Return the panels about what room there is."""
    yield _repositories()
    yield from _space()


def proxies() -> Iterator[Panel]:
    """Return the panels about who moves the data."""
    yield _proxies()
    yield from _load()


def _with_name(expression: str, by: tuple[str, ...], info: str) -> str:
    """Add the `name` of a repository or proxy; one that is being renamed has one name at a time."""
    labels = ", ".join(by)
    names = f"topk by ({labels}) (1, {newest(info, (*by, 'name'), SOURCE)})"
    return f"({expression}) * on ({labels}) group_left (name) {names}"


def _repositories() -> Panel:
    free = f"{REPOSITORY}free_bytes"
    shrinks = f"max by (source, repository) (-deriv({series(free, SOURCE)}[{SHOWN}:$__interval]))"
    full_in = f"{newest(free, OF_REPOSITORY, SOURCE)} / ({shrinks} > 0)"
    sizes = (("Capacity", "capacity_bytes"), ("Used", "used_bytes"), ("Free", "free_bytes"))
    flags = (("Out of order", "out_of_order"), ("Out of sync", "out_of_sync"), ("Outdated", "outdated"))
    info = newest(f"{REPOSITORY}info", (*OF_REPOSITORY, "name", "storage", "immutable"), SOURCE)
    values = (
        Value(expr=info, may_be_empty=NONE),
        *(
            Value(
                title=title, expr=newest(REPOSITORY + name, OF_REPOSITORY, SOURCE), unit=look.BYTES, may_be_empty=NONE
            )
            for title, name in sizes
        ),
        Value(
            title="Share",
            expr=newest(USED, OF_REPOSITORY, SOURCE),
            unit=look.SHARE,
            steps=look.FILLING_DISK,
            may_be_empty=NONE,
        ),
        Value(title="Full in", expr=full_in, unit=look.SECONDS, steps=look.TIME_LEFT, may_be_empty="none is filling"),
        *(
            Value(
                title=title, expr=newest(REPOSITORY + name, OF_REPOSITORY, SOURCE), mapped=look.BAD, may_be_empty=NONE
            )
            for title, name in flags
        ),
    )
    labels = (
        Label(name="name", title="Repository"),
        SOURCE_COLUMN,
        Label(name="storage", title="Storage"),
        Label(name="immutable", title="Immutable"),
        Label(name="repository"),
    )
    words = Words(
        "Repositories",
        "One row for each repository, the fullest first. Object storage has a capacity only where it has a limit. Full"
        " in: if use goes on as in the shown time.",
    )
    return table_panel(words, labels, values, sort="Share")


def _space() -> Iterator[Panel]:
    free, used = newest(f"{REPOSITORY}free_bytes", OF_REPOSITORY, SOURCE), series(USED, SOURCE)
    info = f"{REPOSITORY}info"
    yield lines_panel(
        Words("Used share", "Used share of the ten fullest repositories."),
        Query(f"topk(10, {_with_name(used, OF_REPOSITORY, info)})", "{{name}}", NONE),
        unit=look.SHARE,
        steps=look.FILLING_DISK,
    )
    yield lines_panel(
        Words("Free space", "Room that is left in the ten repositories with least of it."),
        Query(f"bottomk(10, {_with_name(free, OF_REPOSITORY, info)})", "{{name}}", NONE),
        unit=look.BYTES,
    )


def _proxies() -> Panel:
    info = newest(f"{PROXY}info", (*OF_PROXY, "name", "os", "version"), SOURCE)
    loads = (("CPU", "cpu_ratio"), ("Memory", "memory_ratio"))
    values = (
        Value(expr=info, may_be_empty=NONE),
        Value(title="Online", expr=newest(f"{PROXY}online", OF_PROXY, SOURCE), mapped=look.GOOD, may_be_empty=NONE),
        Value(
            title="Maintenance",
            expr=newest(f"{PROXY}maintenance", OF_PROXY, SOURCE),
            mapped=look.NOTED,
            may_be_empty=NONE,
        ),
        *(
            Value(
                title=title,
                expr=newest(PROXY + name, OF_PROXY, SOURCE),
                unit=look.SHARE,
                steps=look.FILLING_DISK,
                may_be_empty=NONE,
            )
            for title, name in loads
        ),
    )
    labels = (
        Label(name="name", title="Proxy"),
        SOURCE_COLUMN,
        Label(name="os", title="System"),
        Label(name="version", title="Version"),
        Label(name="proxy"),
    )
    words = Words("Proxies", "One row for each machine that moves the data, those that are offline first.")
    return table_panel(words, labels, values, sort="Online", rising=True, size=(24, 8))


def _load() -> Iterator[Panel]:
    for title, name in (("Processors", "cpu_ratio"), ("Memory", "memory_ratio")):
        load = newest(PROXY + name, OF_PROXY, SOURCE)
        yield lines_panel(
            Words(title, f"{title} in use, of the ten busiest proxies."),
            Query(f"topk(10, {_with_name(load, OF_PROXY, f'{PROXY}info')})", "{{name}}", NONE),
            unit=look.SHARE,
        )
