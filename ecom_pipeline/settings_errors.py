"""Says what is wrong with a key of `ecom.toml` in the words of the person who wrote it.

The validator's own sentences are for programmers; and they may quote a value, which may be a secret that was
written into the wrong place. Nothing here quotes what was given.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from ecom_pipeline.errors import ConfigurationError

LISTED = 40  # longer lists of valid names help nobody

_MEND = {
    "date": "Write a date without quotes and without a time: 2026-12-31.",
    "decimal": 'Write a number with a point; amounts of money in quotes: "12.50".',
    "int": "Write a whole number.",
    "bool": "Write true or false.",
    "string": "Write a text in quotes.",
    "path": "Write a path in quotes.",
    "model": "This is a section: its keys stand below it, as in the ecom.toml that comes with the product.",
    "dict": "This is a section: its keys stand below it, as in the ecom.toml that comes with the product.",
    "tuple": "This is a list: write it in [ ], or repeat the section as [[ ]].",
}


def explain(error: ValidationError, model: type[BaseModel], where: str = "") -> ConfigurationError:
    """The first thing that is wrong, as what, why and how to mend it. `where` is the model's own place."""
    found = error.errors(include_input=False, include_url=False)
    # A misspelled required key is both unknown and missing: the spelling is what its writer can see.
    first = next((each for each in found if each["type"] == "extra_forbidden"), found[0])
    location, kind, message = first["loc"], first["type"], first["msg"].removeprefix("Value error, ")
    path = _written(where, location)
    if kind == "extra_forbidden":
        names = names_at(model, location[:-1])
        return ConfigurationError(
            f"ecom.toml: unknown key {path}.",
            why="Nothing reads it, so what it says would have no effect.",
            mend=nearest(str(location[-1]), names),
        )
    if kind == "missing":
        return ConfigurationError(
            f"ecom.toml: {path} is missing.", why="There is no value to assume for it.", mend=f"Add {path}."
        )
    info = _field_at(model, location)
    return ConfigurationError(
        f"ecom.toml: {path} cannot be used.",
        why=f"{_why(kind, message, info)}.",
        mend=_mend(kind, first.get("ctx", {}), info),
    )


def nearest(name: str, names: Iterable[str]) -> str:
    """What the name may have been meant to be, and what it may be."""
    names = list(names)
    near = difflib.get_close_matches(name, names, 1) or [
        known for known in names if known.casefold() == name.casefold()
    ]
    listed = f"Valid names: {', '.join(names)}." if len(names) <= LISTED else ""
    return f"Did you mean {near[0]}? {listed}".strip() if near else listed


def names_at(model: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """The keys a person may write at a place."""
    found = _model_at(model, location)
    if found is None:
        return []
    return [info.alias or name for name, info in found.model_fields.items() if not info.exclude]


def _model_at(model: Any, location: Iterable[str | int]) -> type[BaseModel] | None:
    current = model
    for part in location:
        info = _named(current, part)
        if info is not None:
            current = _model_of(info.annotation)
    return current if _is_model(current) else None


def _field_at(model: type[BaseModel], location: tuple[str | int, ...]) -> FieldInfo | None:
    names = [index for index, part in enumerate(location) if isinstance(part, str)]
    if not names:
        return None
    last = names[-1]
    return _named(_model_at(model, location[:last]), location[last])


def _named(model: Any, name: str | int) -> FieldInfo | None:
    """The model's field of this name as it is written."""
    if not _is_model(model):
        return None
    fields: Mapping[str, FieldInfo] = model.model_fields
    return next((info for field, info in fields.items() if name in (field, info.alias)), None)


def _model_of(annotation: Any) -> Any:
    """The model within an annotation like `tuple[Cost, ...]` or `dict[str, Table] | None`."""
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple, dict, list):
        return next(filter(_is_model, map(_model_of, get_args(annotation))), annotation)
    return annotation


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _written(where: str, location: tuple[str | int, ...]) -> str:
    """The place as a person would point to it: entries of lists are counted from one."""
    path = where
    for part in location:
        path = f"{path} (entry {part + 1})" if isinstance(part, int) else ".".join(filter(None, (path, part)))
    return path


def _why(kind: str, message: str, info: FieldInfo | None) -> str:
    if kind.endswith("too_short"):
        return "It is empty"
    if kind.startswith(("date", "decimal_", "int_")):
        return "It is no date" if kind.startswith("date") else "It is no number"
    if kind == "string_pattern_mismatch":
        return info.description if info and info.description else "It is not written as this value must be"
    return message


def _mend(kind: str, context: Mapping[str, Any], info: FieldInfo | None) -> str:
    if "mend" in context:
        return str(context["mend"])
    if info is not None and info.examples:
        return f"Write it like {', or '.join(str(example) for example in info.examples)}."
    if "expected" in context:
        return f"Write {context['expected']}."
    return _MEND.get(kind.split("_", maxsplit=1)[0], "Correct the value.")
