"""Taking addresses and secrets out of what a mail server says, before anyone else hears it.

Servers like to quote: the refused address, the login name, at times the whole AUTH line. Their words are
worth keeping (they tell a full mailbox from a blocked sender), so they are cleaned instead of thrown away.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

MAX_WORDS = 300
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;]+")
_SHORT = 3


def scrub_words(words: bytes | str, secrets: Iterable[str]) -> str:
    """The words on one line of at most 300 characters, without any address and any of the secrets.

    A secret is found plain, in base64 (as AUTH sends it) and whatever its case.
    """
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    for spelling in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = _remove(text, spelling)
    text = _ADDRESS.sub("<address>", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= MAX_WORDS else f"{text[: MAX_WORDS - 1]}…"


def _forms(secret: str) -> set[str]:
    if not secret:
        return set()
    encoded = base64.b64encode(secret.encode()).decode("ascii")
    return {secret, encoded, encoded.rstrip("=")}


def _remove(text: str, secret: str) -> str:
    pattern = re.escape(secret)
    if len(secret) <= _SHORT:
        # A short one inside another word is that word, not the secret.
        pattern = rf"(?<!\w){pattern}(?!\w)"
    return re.sub(pattern, "<hidden>", text, flags=re.IGNORECASE)
