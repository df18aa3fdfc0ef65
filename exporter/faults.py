"""Faults of a configuration as lines for a person: place, what is wrong, what to do; never a value."""

import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, ValidationError

Place: TypeAlias = tuple[str, ...]
"""The keys from the top of the configuration down to an option."""

KIND: Final = "kind"
"""The option that tells the members of a union apart."""
ENVIRONMENT: Final = "environment: "
"""What an origin begins with that is a variable instead of a file."""

_HINTS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "string_type": "should be text; put it in quotes",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "dict_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
    "model_attributes_type": "should be a mapping of keys to values",
    "invalid_key": "should be text, as all keys; put it in quotes",
    "tuple_type": "should be a list",
    "int_parsing": "should be a whole number",
    "int_parsing_size": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "finite_number": "should be a finite number",
    "path_type": "should be a path",
    "string_too_short": "should not be empty",
    "too_short": "should not be empty",
}
_KIND_HINTS: Final[Mapping[str, str]] = {"union_tag_not_found": "is required: ", "union_tag_invalid": "should be "}
_NAME_HINT: Final = "source names are lower-case letters, digits and single underscores, and begin with a letter"


def faults_of(error: ValidationError, model: type[BaseModel], *, path: str, origins: Mapping[Place, str]) -> list[str]:
    """Return one line for each fault that *error* holds; *origins* tells what does not come from the file at *path*."""
    lines = []
    faults = error.errors(include_input=False, include_url=False, include_context=True)
    for fault in faults:
        place, kind = _place_and_kind(fault, model)
        if fault["type"] == "too_short" and any(_is_below(other["loc"], fault["loc"]) for other in faults):
            continue  # not empty: all of its items are at fault
        shown = ".".join(_printable(step) for step in place if step != "[key]") or "the file"
        sentence = _sentence(fault, place, annotations_at(model, place[:-1], kind))
        lines.append(
            f"{_origin(place, origins) or path}: {shown}: {sentence}{_variables_behind(place, sentence, origins)}"
        )
    return list(dict.fromkeys(lines))


def _place_and_kind(fault: Mapping[str, Any], model: type[BaseModel]) -> tuple[Place, str | None]:
    """Return the keys down to a fault, and the kind of the member that holds it, which pydantic puts among them."""
    steps = tuple(str(step) for step in fault["loc"])
    if fault["type"] in _KIND_HINTS:
        return (*steps, KIND), None
    for depth, step in enumerate(steps):
        if step in kinds_of(annotations_at(model, steps[:depth])):
            return steps[:depth] + steps[depth + 1 :], step
    return steps, None


def _is_below(place: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    return len(place) > len(other) and place[: len(other)] == other


def _printable(step: str) -> str:
    return step if step.isprintable() else ascii(step)


def _origin(place: Place, origins: Mapping[Place, str]) -> str | None:
    """Return where the nearest thing around *place* came from."""
    around = (place[:depth] for depth in range(len(place), 0, -1))
    return next((origins[each] for each in around if each in origins), None)


def _variables_behind(place: Place, sentence: str, origins: Mapping[Place, str]) -> str:
    """Return a hint at the variables that set what the *sentence* about their group speaks of."""
    names = [
        f"{below[-1]} is set by {origin.removeprefix(ENVIRONMENT)}"
        for below, origin in origins.items()
        if origin.startswith(ENVIRONMENT)
        and below[: len(place)] == place != below
        and re.search(rf"\b{re.escape(below[-1])}\b", sentence)
    ]
    return "".join(f" ({name} in the environment)" for name in names)


def _sentence(fault: Mapping[str, Any], place: Place, around: list[Any]) -> str:
    kind = fault["type"]
    if kind == "extra_forbidden":
        return "is not a known key" + did_you_mean(place[-1], keys_at(around))
    if kind in _KIND_HINTS:
        return _KIND_HINTS[kind] + _either(kinds_of(around))
    if place[:1] == ("sources",) and place[2:] == ("[key]",):
        return _NAME_HINT
    if kind == "value_error":
        return str(fault["ctx"]["error"])
    if place == ("sources",) and kind in {"missing", "too_short"}:
        return "no source is configured; see config.example.yaml"
    message = _HINTS.get(kind) or re.sub(r"^(Input|String|Value|Dictionary|Tuple) ", "", fault["msg"])
    return message[0].lower() + message[1:]


def _either(words: list[str]) -> str:
    """Return the words as pydantic writes those of a choice."""
    *others, last = (f"'{word}'" for word in words)
    return f"{', '.join(others)} or {last}" if others else last


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the rest of a sentence that names the nearest of the *known* words, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; known here: {', '.join(known)}" if known else ""


def annotations_at(model: type[BaseModel], place: Place, kind: Any = None) -> list[Any]:
    """Return the types that may stand at *place* below *model*; none if the place is unknown.

    On the way through a union only the member of this *kind* counts; all of them if there is none.
    """
    here: list[Any] = [model]
    for step in place:
        here = [each for annotation in here for each in _below(annotation, step)]
        here = [each for each in here if kind in kinds_of([each])] or here
    return here


def kinds_of(annotations: Iterable[Any]) -> list[str]:
    """Return the kinds by which these groups are told apart."""
    groups = [each.model_fields for each in annotations if is_model(each) and KIND in each.model_fields]
    return [kind for fields in groups for kind in typing.get_args(fields[KIND].annotation)]


def keys_at(annotations: Iterable[Any]) -> list[str]:
    """Return the keys that mappings of these types know."""
    return [key for annotation in annotations if is_model(annotation) for key in annotation.model_fields]


def is_model(annotation: Any) -> bool:
    """Tell whether this is a group of options."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def alternatives(annotation: Any) -> list[Any]:
    """Return the members of a union, what is annotated bare; of anything else itself."""
    match typing.get_origin(annotation):
        case typing.Union | types.UnionType:
            return [each for member in typing.get_args(annotation) for each in alternatives(member)]
        case origin if origin is Annotated:
            return alternatives(typing.get_args(annotation)[0])
        case _:
            return [annotation]


def _below(annotation: Any, step: str) -> list[Any]:
    if is_model(annotation):
        field = annotation.model_fields.get(step)
        return alternatives(field.annotation) if field else []
    match typing.get_origin(annotation), typing.get_args(annotation):
        case (origin, (_, value)) if origin is dict:
            return alternatives(value)
        case (origin, (item, *_)) if origin is tuple and step.isdecimal():
            return alternatives(item)
        case _:
            return []
