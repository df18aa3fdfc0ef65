"""What the environment says about the configuration: `M365_BACKUP_<PATH>`, with `__` between the levels."""

import json
import os
import re
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from exporter.faults import ENVIRONMENT, KIND, Place, annotations_at, did_you_mean, is_model, keys_at

PREFIX: Final = "M365_BACKUP_"
DELIMITER: Final = "__"

_SERVICE_LINK: Final = re.compile(
    r"(^|_)(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)\Z"
)
"""What Kubernetes puts into each container for a Service such as ``m365-backup-exporter``: not meant for us."""


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """One variable that sets an option."""

    name: str
    place: Place
    value: Any

    @property
    def origin(self) -> str:
        """What a fault of the value begins with."""
        return ENVIRONMENT + self.name


def variables(
    environment: Mapping[str, str], model: type[BaseModel], given: Mapping[str, Any]
) -> tuple[list[Variable], list[str]]:
    """Return what is set, the outermost first, and the faults of all that has our prefix and cannot be used.

    Which options a source has depends on its kind: that is *given*, or set by a variable itself.
    """
    found, _ = _variables(environment, model, {})
    return _variables(environment, model, _kinds(overlay(given, found)))


def _kinds(given: Mapping[str, Any]) -> dict[Place, Any]:
    """Return the kinds of the sources, by their places."""
    sources = given.get("sources")
    named = sources.items() if isinstance(sources, dict) else ()
    return {("sources", name): source.get(KIND) for name, source in named if isinstance(source, dict)}


def _variables(
    environment: Mapping[str, str], model: type[BaseModel], kinds: Mapping[Place, Any]
) -> tuple[list[Variable], list[str]]:
    found: dict[Place, Variable] = {}
    faults = []
    for name, text in sorted(environment.items()):
        rest = name[len(PREFIX) :]
        place = tuple(rest.lower().split(DELIMITER))
        if not name.upper().startswith(PREFIX) or (place[0] not in model.model_fields and _SERVICE_LINK.search(rest)):
            continue
        fault, value = _read(text, place, model, kinds.get(place[:2]))
        if place in found:
            fault = f"is the same as {found[place].name}, for case does not count; unset one of them"
        if fault:
            faults.append(f"{ENVIRONMENT}{name}: {fault}")
        else:
            found[place] = Variable(name, place, value)
    return sorted(found.values(), key=lambda variable: len(variable.place)), faults


def strangers(found: Iterable[Variable], sources: Iterable[str]) -> dict[Variable, str]:
    """Return the variables about a source that neither a file nor the environment defines, each with its fault."""
    about = [variable for variable in found if variable.place[0] == "sources" and len(variable.place) > 1]
    known = {*sources, *(each.place[1] for each in about if each.place[2:] in {(), (KIND,)})}
    return {
        variable: f"{variable.origin}: no source is named {variable.place[1]}{did_you_mean(variable.place[1], known)}"
        for variable in about
        if variable.place[1] not in known
    }


def overlay(raw: Any, found: Iterable[Variable]) -> Any:
    """Return *raw* with the variables' values in their places; *raw* stays as it is."""
    for variable in found:
        raw = _with(raw, variable.place, variable.value)
    return raw


class EnvironmentSource(PydanticBaseSettingsSource):
    """The environment as a source of settings.

    pydantic-settings' own takes a list for JSON or nothing, passes over variables it does not know, and
    cannot tell a fault in a variable from one in the file; all of that is an operator's evening.
    """

    def __init__(self, settings_cls: type[BaseSettings], given: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._given = given

    def __call__(self) -> dict[str, Any]:
        """Return what is given with the variables' values in their places.

        Those about sources that nothing defines are left out: they are a fault that `load` tells.
        """
        found, _ = variables(os.environ, self.settings_cls, self._given)
        sources = self._given.get("sources")
        lost = strangers(found, sources if isinstance(sources, dict) else {})
        said: dict[str, Any] = overlay(self._given, [variable for variable in found if variable not in lost])
        return said

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return what the variables say of one field."""
        return self().get(field_name), field_name, False


def _with(raw: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        return raw  # not a mapping: that fault of the file is reported
    return {**raw, place[0]: _with(raw.get(place[0]), place[1:], value)}


def _read(text: str, place: Place, model: type[BaseModel], kind: Any) -> tuple[str | None, Any]:
    """Return a fault, or None and the value: JSON for groups and lists, else the text."""
    for depth, step in enumerate(place):
        around, here = annotations_at(model, place[:depth], kind), annotations_at(model, place[: depth + 1], kind)
        if any(_is_list(annotation) for annotation in around):
            return f"{'.'.join(place[:depth])} is a list, which is set as a whole, in JSON", None
        if not here:
            return _unknown(step, keys_at(around), ".".join(place[:depth])), None
    if not any(_is_list(each) or _is_mapping(each) for each in annotations_at(model, place, kind)):
        return None, text
    try:
        return None, json.loads(text)
    except (ValueError, RecursionError):
        return 'should be JSON, such as ["one", "two"] or {"key": "value"}', None


def _unknown(step: str, known: list[str], above: str) -> str:
    if not known:
        return f"{above} has no keys below it"
    if not step:
        return f"a part of its name is empty{did_you_mean(step, known)}"
    return f"{step} is not a known key{did_you_mean(step, known)}"


def _is_list(annotation: Any) -> bool:
    return typing.get_origin(annotation) is tuple


def _is_mapping(annotation: Any) -> bool:
    return is_model(annotation) or typing.get_origin(annotation) is dict
