"""Turns e-mail addresses into keyed pseudonyms, before anything about a person can reach the disk.

One place for all vendors, so that the same person is the same pseudonym whoever tells of them.
"""

from __future__ import annotations

import hmac
import unicodedata

LENGTH = 32


def pseudonym(email: str | None, key: bytes) -> str | None:
    """The keyed hash (HMAC-SHA256, first 32 hexadecimal digits) of a normalised e-mail; None without one.

    Spaces around it, letter case and the Unicode form of accents do not matter.
    """
    if email is None:
        return None
    normalised = unicodedata.normalize("NFC", email.strip().lower())
    if not normalised:
        return None
    return hmac.digest(key, normalised.encode(), "sha256").hex()[:LENGTH]
