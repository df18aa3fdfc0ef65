# ruff: noqa: INP001 - a script beside the package
"""Prints docs/configuration.md from the models of the settings: `python -m tools.configuration`."""

import json
import re
import sys
import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from exporter.duration import duration_seconds, prometheus_duration
from exporter.faults import alternatives, is_model, kinds_of
from exporter.settings import Settings
from exporter.settings.environment import DELIMITER, PREFIX
from exporter.sources import AnySource

HEAD: Final = """\
# Configuration

<!-- Made from the code by `make docs`; change the docstrings of the settings instead. -->

The exporter reads one YAML file: `m365-backup-exporter run --config config.yaml`. `config.example.yaml` holds every
option there is; `m365-backup-exporter check-config --config config.yaml` tells every fault of yours at once, without
showing a value, and exits with 0 or 2. Editors complete and check the file with the JSON Schema that
`m365-backup-exporter config-schema` prints. Unknown keys are faults, and so is a key that is given twice.

## Durations

A number and a unit, as Prometheus writes them: `500ms`, `30s`, `15m`, `6h`, `1d`, `2w`, `1y`, or several from the
largest to the smallest, such as `1h30m`. A number without a unit, zero and negative durations are faults. Collectors'
intervals are at least `1s`.

## Environment

A variable overrides an option: `{prefix}` and the path in capitals, with `{delimiter}` between the levels.

| option | variable |
|---|---|
| `log.level` | `{prefix}LOG__LEVEL` |
| `sources.elements_emea.auth.client_secret` | `{prefix}SOURCES__ELEMENTS_EMEA__AUTH__CLIENT_SECRET` |
| `sources.vb365_dc1.auth.password` | `{prefix}SOURCES__VB365_DC1__AUTH__PASSWORD` |
| `web.listen` | `{prefix}WEB__LISTEN` |

- The environment wins over the file, and over included files.
- Names of sources are in lower case, with single underscores only, so that a variable can name them:
  `ELEMENTS_EMEA` is the source `elements_emea`. A variable about a source that no file defines is a fault, unless its
  `KIND` is set by a variable too.
- The `kind` of a source, from a file or a variable, decides which options it has.
- Numbers, durations and switches are written as in the file. Lists and mappings are JSON and replace the whole list or
  mapping: `{prefix}WEB__LISTEN='["0.0.0.0:10365"]'`. An item of a list cannot be set alone.
- A variable that begins with `{prefix}` and names no option is a fault. Those that Kubernetes sets for a Service of a
  similar name (`{prefix}EXPORTER_SERVICE_HOST` and its like) are passed over.
- If the file has `client_secret_file`, setting `client_secret` by a variable is a fault: remove the one that you do
  not mean. The same holds for `password_file` and `password`.

## Secrets

A secret is given once: as `client_secret`, in the file that `client_secret_file` names, or as a certificate and its
key; with `kind: veeam` as `password`, or in the file that `password_file` names. Files are read again whenever a token
is fetched, so a rotated secret needs no restart; the last newline is not part of the secret. Secrets never appear in
faults, logs or metrics.

## Certificates of the vendor's server

By default the system's authorities decide, and the name in the URL must be in the certificate. Where no public
authority signed it, as with Veeam unless somebody changed that, choose one of these below `tls`:

| option | when |
|---|---|
| `ca_file` | your own authority signed it: the file holds its certificate, and no other authority counts then |
| `fingerprint_sha256` | nobody signed it: this one certificate is accepted, whatever its name and dates |
| `insecure_skip_verify` | for tests: anybody in between can read the secret; each start logs `tls_not_verified` |

`server_name` is the name in the certificate where it is another than that in the URL. When nobody trusted signed a
certificate, the error in the log tells its fingerprint; compare it on the server before you pin it:
[how](sources/veeam.md#tls). `tls` is about the source's API; where tokens come from another host, `ca_file` and
`insecure_skip_verify` hold there too.

## Several files

`include` lists globs, relative to the file: `include: ["sources.d/*.yaml"]`. Each file that matches holds sources as
they would stand below `sources`, without that line:

```yaml
fabrikam:
  kind: cloudbackup
  base_url: https://graph-us.avepointonlineservices.com
  tenant: {{id: fabrikam, name: Fabrikam Inc}}
  auth: {{client_id: 00000000-0000-0000-0000-000000000000, client_secret_file: /run/secrets/fabrikam}}
```

A name may be used only once in all files. A glob may match nothing; a name without `*`, `?` or `[` must exist.

## Options
"""

WORDS: Final = {str: "text", bool: "true or false", int: "whole number", float: "number", Path: "path"}
SOURCES: Final = [model for model in alternatives(AnySource) if is_model(model)]
BOUNDS: Final = {"ge": "at least", "gt": "more than", "le": "at most"}


@dataclass(frozen=True, slots=True)
class Option:
    """One row of the reference; equal to the same option of another kind of source."""

    source: type[BaseModel] | None = field(compare=False)
    """The model of the kind of source that has the option; None outside of sources."""
    group: type[BaseModel] = field(compare=False)
    above: str
    path: str
    kind: str
    default: str | None
    """In the notation of the file; None if the option is required."""
    meaning: str


def options(
    model: type[BaseModel] = Settings, above: str = "", source: type[BaseModel] | None = None
) -> Iterator[Option]:
    """Yield all options of *model*: its own first, then those of the groups in it; of each kind of source, all."""
    groups = {name: groups_of(field) for name, field in model.model_fields.items()}
    for name, its in model.model_fields.items():
        if not groups[name] or its.description:
            path, meaning = f"{above}{name}", its.description or ""
            yield Option(source, model, above, path, kind_of(its), default_of(its), meaning)
    for name, inner in groups.items():
        for group, onwards in inner:
            yield from options(group, f"{above}{name}{onwards}", source or (group if kinds_of([group]) else None))


def groups_of(option: FieldInfo) -> list[tuple[type[BaseModel], str]]:
    """Return the groups that may stand below an option, and how paths go on to their options."""
    found = []
    for annotation in alternatives(option.annotation):
        match typing.get_origin(annotation), typing.get_args(annotation):
            case (origin, (_, inner)) if origin is dict:
                onwards = ".<name>."
            case (origin, (inner, *_)) if origin is tuple:
                onwards = "[]."
            case _:
                inner, onwards = annotation, "."
        found += [(each, onwards) for each in alternatives(inner) if is_model(each)]
    return found


def default_of(field: FieldInfo) -> str | None:
    """Return an option's default as the file would have it."""
    if field.is_required():
        return None
    default = field.default
    if is_duration(field) and default is not None:
        return prometheus_duration(default)
    return json.dumps(default) if not isinstance(default, float) else f"{default:g}"


def kind_of(field: FieldInfo) -> str:
    """Return an option's type in plain words, with its bounds."""
    words = [kind for each in alternatives(field.annotation) for kind in _kinds(each) if kind]
    bounds = [
        f"{word} {getattr(bound, key):g}"
        for bound in field.metadata
        for key, word in BOUNDS.items()
        if isinstance(getattr(bound, key, None), int | float)
    ]
    return ", ".join(["duration" if is_duration(field) else " or ".join(words), *bounds])


def is_duration(field: FieldInfo) -> bool:
    """Tell whether an option takes a duration."""
    marks = [*field.metadata, *(mark for each in typing.get_args(field.annotation) for mark in _metadata(each))]
    return any(getattr(mark, "func", None) is duration_seconds for mark in marks)


def _metadata(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__metadata__", ())


def _kinds(annotation: Any) -> list[str]:
    match typing.get_origin(annotation), typing.get_args(annotation):
        case typing.Literal, words:
            return [f"`{word}`" for word in words]
        case (origin, (_, value)) if origin is dict:
            return [f"mapping of names to {_plural(value)}"]
        case (origin, (item, *_)) if origin is tuple:
            return [f"list of {_plural(item)}"]
        case _ if annotation is SecretStr:
            return ["text (secret)"]
        case _:
            return [WORDS[annotation]] if annotation in WORDS else []


def _plural(annotation: Any) -> str:
    return "texts" if alternatives(annotation) == [str] else "mappings"


def markdown() -> str:
    """Return the whole page: what all kinds of sources share once, the rest of each kind in a chapter of its own."""
    everything = list(options())
    by_kind = {model: [row for row in everything if row.source is model] for model in SOURCES}
    own = {part(row) for rows in by_kind.values() for row in rows if not all(row in each for each in by_kind.values())}
    first, *_ = by_kind.values()
    return "\n".join(
        [
            HEAD.format(prefix=PREFIX, delimiter=DELIMITER),
            *tables(row for row in everything if row.source is None),
            "## Options of every source\n\nWhatever its `kind`.\n",
            *tables(row for row in first if part(row) not in own),
            *(line for model, rows in by_kind.items() for line in chapter(model, [r for r in rows if part(r) in own])),
        ]
    )


def part(row: Option) -> str:
    """Return the option or group of the source that a row is about."""
    return row.path.split(".")[2]


def chapter(model: type[BaseModel], rows: list[Option]) -> list[str]:
    """Return what only sources of this kind have."""
    return [f"## Options of `kind: {' | '.join(kinds_of([model]))}`\n\n{about(model)}\n", *tables(rows)]


def tables(rows: Iterable[Option]) -> Iterator[str]:
    """Yield a table for each group of options."""
    for (above, group), each in groupby(rows, key=lambda row: (row.above, row.group)):
        title = f"`{above.rstrip('.').removesuffix('[]')}`" if above else "The top level"
        yield f"### {title}\n"
        if group not in SOURCES:
            yield f"{about(group)}\n"
        yield from ("| option | type | default | meaning |", "|---|---|---|---|")
        for row in each:
            default = "required" if row.default is None else f"`{row.default}`"
            yield f"| `{row.path.removeprefix(above)}` | {row.kind} | {default} | {_code(row.meaning)} |"
        yield ""


def about(group: type[BaseModel]) -> str:
    """Return the first line of a group's docstring."""
    return _code((group.__doc__ or "").strip().splitlines()[0])


def _code(text: str) -> str:
    return re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split())).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown())
