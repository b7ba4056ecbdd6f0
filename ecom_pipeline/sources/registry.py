"""Finds the vendors: every package in this folder that defines a Source. Nothing is registered by hand."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

import ecom_pipeline.sources as package
from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.sources.contract import Source


@cache
def vendors() -> dict[str, type[Source]]:
    """All vendors by name, sorted."""
    found: dict[str, type[Source]] = {}
    for module_info in pkgutil.iter_modules(package.__path__):
        if not module_info.ispkg:
            continue
        module = importlib.import_module(f"{package.__name__}.{module_info.name}")
        classes = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Source) and value is not Source
        ]
        if len(classes) != 1:
            raise DefinitionError(
                f"The source folder {module_info.name} exports {len(classes)} Source classes.",
                mend="Export exactly one from its __init__.py.",
            )
        if classes[0].vendor != module_info.name:
            raise DefinitionError(
                f"The source folder {module_info.name} calls its vendor {classes[0].vendor}.",
                mend=f'Name both alike: vendor = "{module_info.name}".',
            )
        found[module_info.name] = classes[0]
    return dict(sorted(found.items()))
