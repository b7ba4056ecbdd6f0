"""Holds a request or an answer against the schema an OpenAPI document gives for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

KINDS: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def read_spec(file: Path) -> dict[str, Any]:
    """An OpenAPI document as it stands."""
    spec: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return spec


def violations(spec: Mapping[str, Any], schema: Mapping[str, Any], value: Any, at: str = "") -> Iterator[str]:
    """Where a value breaks its schema: type, enumeration, what is required, formats, and names nobody documented.

    An undocumented name is a violation too: a vendor that refuses unknown fields would refuse ours.
    """
    schema = _meant(spec, schema)
    if "oneOf" in schema:
        yield from min((list(violations(spec, one, value, at)) for one in schema["oneOf"]), key=len)
        return
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    kinds = [*kinds, "null"] if kinds and schema.get("nullable") else kinds
    if kinds and not any(isinstance(value, KINDS[kind]) for kind in kinds):
        yield f"{at} is {type(value).__name__}, not {' or '.join(kinds)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is {value!r}, none of {schema['enum']}"
    if isinstance(value, str) and not _has_form(schema.get("format"), value):
        yield f"{at} is no {schema['format']}: {value!r}"
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{at} has too few entries"
        for number, item in enumerate(value):
            yield from violations(spec, schema.get("items", {}), item, f"{at}[{number}]")
    if isinstance(value, dict) and "properties" in schema:
        yield from (f"{at} lacks {name}" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            if name not in schema["properties"]:
                yield f"{at} has {name}, which is not documented"
            else:
                yield from violations(spec, schema["properties"][name], item, f"{at}.{name}")


def query_violations(operation: Mapping[str, Any], query: str) -> Iterator[str]:
    """Where a query (as it was sent, decoded) asks for what an operation does not offer, or lacks what it needs."""
    known = {one["name"]: one for one in operation["parameters"] if one["in"] == "query"}
    asked = dict(pair.split("=", 1) for pair in query.split("&") if pair)
    for name, one in known.items():
        if one.get("required") and name not in asked:
            yield f"{name} is missing"
    for name, text in asked.items():
        if name not in known:
            yield f"{name} is not documented"
            continue
        schema: Mapping[str, Any] = known[name]["schema"]
        values = text.split(",") if schema["type"] == "array" else [text]
        allowed = schema.get("items", schema).get("enum")
        yield from (
            f"{name} has {value!r}, none of {allowed}" for value in values if allowed and value not in allowed
        )
        if schema["type"] == "integer" and not schema["minimum"] <= int(text) <= schema["maximum"]:
            yield f"{name} is {text}, out of bounds"


def _meant(spec: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema a reference stands for, with the parts of `allOf` put together."""
    if "$ref" in schema:
        meant: Mapping[str, Any] = spec
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            meant = meant[part]
        return _meant(spec, meant)
    if "allOf" not in schema:
        return schema
    whole: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for piece in (_meant(spec, one) for one in schema["allOf"]):
        whole["required"] += piece.get("required", [])
        for name, own in piece.get("properties", {}).items():
            before = whole["properties"].get(name, {})
            both = "properties" in before and "properties" in own
            whole["properties"][name] = _meant(spec, {"allOf": [before, own]}) if both else own
    return whole


def _has_form(form: str | None, text: str) -> bool:
    try:
        if form == "date-time":
            return datetime.fromisoformat(text).tzinfo is not None
        if form == "uuid":
            return bool(UUID(text))
    except ValueError:
        return False
    return form != "uri" or "://" in text
