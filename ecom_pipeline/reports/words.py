"""The report's sentences and labels, one TOML file for each language, looked up by dotted key."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ecom_pipeline.errors import DefinitionError
from ecom_pipeline.periods import Rhythm


@dataclass(frozen=True)
class Words:
    """What the report can say in one language."""

    language: str
    texts: dict[str, str]

    def say(self, key: str, **values: object) -> str:
        """The text with its placeholders filled; an unknown key is an error, never an empty place."""
        return self.texts[key].format(**values)

    def get(self, key: str) -> str | None:
        """The text, or None for open sets such as segment names."""
        return self.texts.get(key)

    def count(self, key: str, number: int, **values: object) -> str:
        """The singular or plural of a text; French counts zero as singular."""
        is_one = number == 1 or (self.language == "fr" and number == 0)
        return self.say(f"{key}.{'one' if is_one else 'many'}", number=number, **values)


@cache
def load_words(language: str, rhythm: Rhythm = Rhythm.WEEKLY) -> Words:
    """The catalogue of a language, for reports that come weekly or monthly.

    What a monthly report says otherwise stands below `monthly` and takes the place of the text of that key.

    Raises:
        DefinitionError: the report is not written in this language.
    """
    source = files("ecom_pipeline.reports") / "locales" / f"{language}.toml"
    if not source.is_file():
        raise DefinitionError(f"No report is written in language {language!r}.", mend="Use fr or en.")
    texts = tomllib.loads(source.read_text(encoding="utf-8"))
    monthly = dict(_flatten(texts.pop("monthly")))
    return Words(language, dict(_flatten(texts)) | (monthly if rhythm is Rhythm.MONTHLY else {}))


def _flatten(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            found += _flatten(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, value))
    return found
