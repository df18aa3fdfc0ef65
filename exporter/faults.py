"""Faults of a configuration as lines for a person: place, what is wrong, what to do; never a value."""

import difflib
import re
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

_HINTS: Final[Mapping[str, str]] = {
    "missing": "is required",
    "string_type": "should be text; put it in quotes",
    "bool_parsing": "should be true or false",
    "bool_type": "should be true or false",
    "dict_type": "should be a mapping of keys to values",
    "model_type": "should be a mapping of keys to values",
    "model_attributes_type": "should be a mapping of keys to values",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "path_type": "should be a path",
}
_NAME_HINT: Final = "source names are lower-case letters, digits and single underscores, and begin with a letter"


def faults_of(error: ValidationError, model: type[BaseModel], *, path: str, origins: Mapping[str, str]) -> list[str]:
    """Return one line for each fault that *error* holds; *origins* tells the file of an included source."""
    lines = []
    for fault in error.errors(include_input=False, include_url=False, include_context=True):
        place = [str(step) for step in fault["loc"]]
        file = origins.get(place[1], path) if place[:1] == ["sources"] and len(place) > 1 else path
        shown = [step for step in place if step != "[key]"]
        line = f"{file}: {'.'.join(shown) or 'the file'}: {_sentence(fault, place, model)}"
        if line not in lines:
            lines.append(line)
    return lines


def _sentence(fault: Mapping[str, Any], place: list[str], model: type[BaseModel]) -> str:
    kind = fault["type"]
    if kind == "extra_forbidden":
        return "is not a known key" + did_you_mean(place[-1], _keys_beside(place, model))
    if place[-1:] == ["[key]"] and place[0] == "sources":
        return _NAME_HINT
    if kind == "value_error":
        return str(fault["ctx"]["error"])
    if place == ["sources"] and kind in {"missing", "too_short"}:
        return "no source is configured; see config.example.yaml"
    message = _HINTS.get(kind) or re.sub(r"^(Input|String|Value|Dictionary|Tuple) ", "", fault["msg"])
    return message[0].lower() + message[1:]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the rest of a sentence that names the nearest of the *known* words, or all of them."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; known here: {', '.join(known)}" if known else ""


def _keys_beside(place: list[str], model: type[BaseModel]) -> list[str]:
    """Return the keys that are known where the last step of *place* is not."""
    here: Any = model
    for step in place[:-1]:
        here = _below(here, step)
    here = next(iter(_models(here)), None)
    return list(here.model_fields) if here is not None else []


def _below(annotation: Any, step: str) -> Any:
    for model in _models(annotation):
        if step in model.model_fields:
            return model.model_fields[step].annotation
    arguments = [each for each in typing.get_args(annotation) if each is not Ellipsis]
    return arguments[-1] if arguments else None


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return [annotation] if issubclass(annotation, BaseModel) else []
    if typing.get_origin(annotation) in {dict, tuple, list}:
        return []
    return [model for each in typing.get_args(annotation) for model in _models(each)]


def unknown_variables(environment: Iterable[str], prefix: str, delimiter: str, model: type[BaseModel]) -> list[str]:
    """Return a fault for each variable that has our prefix and names nothing we know."""
    lines = []
    for variable in sorted(environment):
        if not variable.upper().startswith(prefix):
            continue
        first = variable[len(prefix) :].lower().split(delimiter.lower())[0]
        if first not in model.model_fields:
            lines.append(
                f"environment: {variable}: {first} is not a known key" + did_you_mean(first, model.model_fields)
            )
    return lines
