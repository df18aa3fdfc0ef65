"""The configuration's files as plain mappings: YAML, and the files that `include` names."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.errors import SettingsError
from exporter.faults import Place

_UNUSABLE: Final = (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError)
"""What the parser raises; beyond its own, what tags such as ``!!bool maybe`` make it stumble over."""
_ADVICE: Final = (
    ("'\\t'", "there is a tab; indent with spaces"),
    ("cannot start any token", "text that begins with this character needs quotes"),
    ("escape character", "in double quotes a backslash needs another one; in single quotes it does not"),
    ("escape sequence", "in double quotes a backslash needs another one; in single quotes it does not"),
    ("undefined alias", "text that begins with * needs quotes"),
    ("constructor for the tag", "text that begins with ! needs quotes"),
    ("mapping values are not allowed", "a colon does not fit here; text that holds one needs quotes"),
    ("end of stream", "a quote is not closed"),
    ("another document", "a second document begins here; one is all there may be"),
    ("expected", "the indentation, a bracket or a quote does not fit"),
)
"""What a part of the parser's complaint means to a person."""


@dataclass(slots=True)
class Sources:
    """The sources of the file and of all that it includes."""

    path: Path
    mapping: dict[str, Any]
    origins: dict[Place, str] = field(default_factory=dict)
    """From which file those came that are not in the file itself."""
    faults: list[str] = field(default_factory=list)

    def include(self, globs: Any) -> None:
        """Add the sources of all files that the *globs* match."""
        if not isinstance(globs, list | tuple) or not all(isinstance(glob, str) for glob in globs):
            return  # the settings themselves refuse that
        files: dict[Path, None] = {}
        for number, glob in enumerate(globs):
            matches = _matches(self.path.parent, glob)
            if not matches and not re.search(r"[*?\[]", glob):
                self.faults.append(f"{self.path}: include.{number}: there is no such file")
            files.update(dict.fromkeys(matches))
        for file in files:
            self._add(file)

    def _add(self, file: Path) -> None:
        if file.resolve() == self.path.resolve():
            self.faults.append(f"{self.path}: include: matches this file itself; keep included files in a folder")
            return
        try:
            included = read(file)
        except SettingsError as error:
            self.faults += error.faults
            return
        if set(included) == {"sources"}:
            self.faults.append(f"{file}: should hold the sources themselves, without `sources:` above them")
            return
        for name, source in included.items():
            place = ("sources", name)
            if name in self.mapping:
                already = self.origins.get(place, self.path)
                self.faults.append(f"{file}: {name}: a source of this name is already in {already}")
            else:
                self.mapping[name], self.origins[place] = source, str(file)


def _matches(folder: Path, glob: str) -> list[Path]:
    if "***" in glob:  # Python 3.13 would take it for *
        return []
    anchor = Path(Path(glob).anchor)
    try:
        if Path(glob).is_absolute():
            return sorted(anchor.glob(str(Path(glob).relative_to(anchor))))
        return sorted(folder.glob(glob))
    except (ValueError, IndexError, NotImplementedError):
        return []


def read(path: Path) -> dict[str, Any]:
    """Return the mapping that the file at *path* holds; `SettingsError` says where it is at fault."""
    raw, fault = _parsed(path)
    if fault is None and _holds_itself(raw, set(), set()):
        fault = "an alias stands for something that it is part of; write that out"
    if fault is None and not (isinstance(raw, Mapping) and all(isinstance(key, str) for key in raw)):
        fault = "should be a mapping of keys to values; see config.example.yaml"
    if fault is not None:  # raised out of the handlers, for the parser's errors hold the text
        raise SettingsError([f"{path}: {fault}"])
    return dict(raw)


def _holds_itself(value: Any, around: set[int], clean: set[int]) -> bool:
    """Tell whether anything in *value* is part of itself; by identity, each thing looked at once."""
    if not isinstance(value, dict | list) or id(value) in clean:
        return False
    if id(value) in around:
        return True
    around.add(id(value))
    parts = value.values() if isinstance(value, dict) else value
    found = any(_holds_itself(part, around, clean) for part in parts)
    around.discard(id(value))
    clean.add(id(value))
    return found


def _parsed(path: Path) -> tuple[Any, str | None]:
    """Return what the file holds, or what is wrong with it."""
    try:
        return yaml.load(path.read_text(encoding="utf-8-sig"), _Loader), None  # noqa: S506 - it is a SafeLoader
    except OSError as error:
        return None, f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return None, "is not text in UTF-8"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return None, f"is not YAML: {place}{_without_values(error.problem or 'it ends too early')}"
    except _UNUSABLE:
        return None, "is not YAML: a character or a tag in it is not allowed"


def _without_values(problem: str) -> str:
    """Return the parser's complaint as advice, without the text it quotes."""
    advice = next((advice for part, advice in _ADVICE if part in problem), problem)
    return re.sub(r"(['\"]).*\1", "…", advice)


class _Loader(yaml.SafeLoader):
    """YAML as version 1.2 has it: 22:00, no and 2026-01-31 are text. And no key may be given twice."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - the base's attribute

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """Return the mapping, unless a key comes twice: the later one would silently win."""
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, "this key is given twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


for _tag, _form, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("float", r"[-+]?(\.\d+|\d+\.\d*)([eE][-+]?\d+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
    ("int", r"[-+]?(0|[1-9]\d{0,17})", "-+0123456789"),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_form})\Z", re.ASCII), list(_first))
