"""The JSON Schema says what the models say, as far as it can."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.cli import main

EXAMPLE = Path(__file__).parent.parent / "config.example.yaml"
UNIONS = ("anyOf", "oneOf")
TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "null": type(None),
    "number": (int, float),
    "object": dict,
    "string": str,
}


def test_example_fits_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    """The printed JSON Schema accepts the example, refuses an unknown key in it, and has no dangling reference."""
    with pytest.raises(SystemExit):
        main(["config-schema"])
    schema = json.loads(capsys.readouterr().out)
    content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(violations(content, schema, schema)) == []
    for name, source in content["sources"].items():
        assert list(violations({"sources": {name: source}}, schema, schema)) == []
    assert list(violations({**content, "log": {"levle": "info"}}, schema, schema)) == ["log.levle"]
    assert list(violations({**content, "limits": {"counter_birth_delay": 120}}, schema, schema)) != []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("contoso", {"kind": None}),
        ("contoso", {"kind": "cloud-backup"}),
        ("contoso", {"kind": "elements"}),
        ("contoso", {"kind": "veeam"}),
        ("contoso", {"tenant": None}),
        ("contoso", {"tenant": {"name": "Contoso Ltd"}}),
        ("contoso", {"api": "v3"}),
        ("contoso", {"collectors": {"protection": {"enabled": True}}}),
        ("vb365_dc1", {"kind": "cloudbackup"}),
        ("vb365_dc1", {"base_url": None}),
        ("vb365_dc1", {"api": "v2"}),
        ("vb365_dc1", {"auth": {"client_id": "contoso", "client_secret": "simulated"}}),
        ("vb365_dc1", {"collectors": {"tenants": {"enabled": True}}}),
    ],
)
def test_schema_tells_kinds_apart(name: str, change: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """The JSON Schema refuses a source that mixes kinds, lacks what its kind requires, or is of none."""
    with pytest.raises(SystemExit):
        main(["config-schema"])
    schema = json.loads(capsys.readouterr().out)
    source = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["sources"][name] | change
    wrong = {"sources": {name: {key: value for key, value in source.items() if value is not None}}}

    assert list(violations(wrong, schema, schema)) == [f"sources.{name}"]


def test_schema_tells_defaults_as_the_file_has_them(capsys: pytest.CaptureFixture[str]) -> None:
    """A default in the JSON Schema fits the schema of its own option: durations are no numbers."""
    with pytest.raises(SystemExit):
        main(["config-schema"])
    schema = json.loads(capsys.readouterr().out)

    wrong = [
        f"{group['title']}.{name}"
        for group in [schema, *schema["$defs"].values()]
        for name, option in group["properties"].items()
        if "default" in option and list(violations(option["default"], option, schema))
    ]

    assert wrong == []


def violations(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str = "") -> Iterator[str]:
    """Yield where *value* does not fit: as much of JSON Schema as our schema uses."""
    if "$ref" in schema:
        yield from violations(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, path)
    if not (is_of_type(value, schema) and is_within(value, schema) and is_of_members(value, schema, root)):
        yield path
    if isinstance(value, dict):
        yield from (f"{path}.{key}".lstrip(".") for key in schema.get("required", ()) if key not in value)
        for key, inner in value.items():
            yield from violations_of_key(key, inner, schema, root, f"{path}.{key}".lstrip("."))
    if isinstance(value, list):
        for item in value:
            yield from violations(item, schema.get("items", {}), root, f"{path}[]")


def violations_of_key(key: str, value: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    """Yield where a key of a mapping, or what it holds, does not fit."""
    further = schema.get("properties", {}).get(key, schema.get("additionalProperties", True))
    patterns = schema.get("patternProperties", {})
    further = next((each for pattern, each in patterns.items() if re.search(pattern, key)), further)
    if further is False:
        yield path
    elif isinstance(further, dict):
        yield from violations(value, further, root, path)


def is_of_members(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Tell whether the value fits any member of a union, or exactly one where only one may fit."""
    fitting = {key: [not list(violations(value, each, root)) for each in schema.get(key, ())] for key in UNIONS}
    return not any(fits and not any(fits) for fits in fitting.values()) and sum(fitting["oneOf"]) <= 1


def is_of_type(value: Any, schema: dict[str, Any]) -> bool:
    """Tell whether the value is of one of the types."""
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else types
    if isinstance(value, bool):
        return not names or "boolean" in names
    return not names or any(isinstance(value, TYPES[name]) for name in names)


def is_within(value: Any, schema: dict[str, Any]) -> bool:
    """Tell whether the value is one of the words, within the bounds and of the form."""
    if isinstance(value, str):
        fits = re.search(schema.get("pattern", ""), value) and len(value) >= schema.get("minLength", 0)
        return bool(fits) and value in schema.get("enum", [value]) and value == schema.get("const", value)
    if isinstance(value, int | float):
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    return True
