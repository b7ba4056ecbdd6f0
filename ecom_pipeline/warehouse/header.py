"""Reads the YAML header that every .sql file of the product begins with."""

from __future__ import annotations

import re
from typing import Any

import yaml

from ecom_pipeline.errors import DefinitionError

_HEADER = re.compile(r"\A\s*/\* ---\n(?P<yaml>.*?)\n--- \*/\n?(?P<sql>.*)\Z", re.DOTALL)


def split_header(text: str, file: str) -> tuple[dict[str, Any], str]:
    """The header as a dictionary and the query below it.

    Raises:
        DefinitionError: there is no header, it is not a YAML mapping, or no query follows.
    """
    match = _HEADER.match(text)
    if match is None:
        raise DefinitionError(
            f"{file} has no header.", mend="Begin the file with a comment: /* --- (YAML) --- */"
        )
    try:
        header = yaml.safe_load(match["yaml"])
    except yaml.YAMLError as error:
        raise DefinitionError(f"{file}: the header is not YAML.", why=str(error)) from None
    sql = match["sql"].strip().rstrip(";")
    if not isinstance(header, dict) or not sql:
        raise DefinitionError(f"{file}: expected a YAML mapping and one query below it.")
    return header, sql
