"""The cockpit's own labels, beside the report's; one TOML file for each language."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.reports.words import Words


@cache
def load_cockpit_words(language: str) -> Words:
    """The labels of a language, by dotted key.

    Raises:
        DefinitionError: the cockpit is not written in this language.
    """
    source = files("ecom_pipeline.cockpit") / "locales" / f"{language}.toml"
    if not source.is_file():
        raise DefinitionError(f"No cockpit is written in language {language!r}.", mend="Use fr or en.")
    sections: dict[str, dict[str, str]] = tomllib.loads(source.read_text(encoding="utf-8"))
    return Words(
        language,
        {f"{section}.{key}": text for section, texts in sections.items() for key, text in texts.items()},
    )
