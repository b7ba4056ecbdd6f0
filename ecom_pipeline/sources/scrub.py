"""Takes secrets out of texts that people and logs will read.

Errors of HTTP libraries quote URLs and headers; what is registered here never leaves in an error.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

HIDDEN = "•••"
SHORTEST = 4  # hiding shorter values would only garble the text
QUERY = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?#'\"<>]*|/[^\s?#'\"<>]*)[?#][^\s'\"<>]*", re.IGNORECASE)
USER_INFO = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@'\"<>]*@", re.IGNORECASE)


class Scrubber:
    """Knows the secrets of one source and hides them, and every URL's query, from a text."""

    def __init__(self, secrets: Iterable[SecretStr | str] = ()) -> None:
        self._known: set[str] = set()
        for secret in secrets:
            self.register(secret)

    def register(self, secret: SecretStr | str) -> None:
        """Hide this value from now on, also as it looks in a URL or in a Basic header."""
        plain = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        for text in {plain, *plain.split()}:
            if len(text) >= SHORTEST:
                encoded = b64encode(text.encode()).decode()
                self._known |= {text, quote(text, safe=""), quote_plus(text), encoded, encoded.rstrip("=")}

    def register_settings(self, settings: BaseModel) -> None:
        """Register every secret field of a source's settings."""
        for name in type(settings).model_fields:
            value = getattr(settings, name)
            if isinstance(value, SecretStr):
                self.register(value)

    def clean(self, text: str) -> str:
        """The text without any registered secret, URL query, fragment or user name in a URL."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return USER_INFO.sub(rf"\1{HIDDEN}@", QUERY.sub(rf"\1?{HIDDEN}", text))
