"""Chance and identity: every concern draws from its own stream, so a change in one moves no other.

`random.Random` seeded with a string hashes it with SHA-512, which neither PYTHONHASHSEED nor the
platform can change; vendor-looking ids come from BLAKE2 for the same reason.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from math import exp
from random import Random
from typing import ClassVar


def stream(seed: int, concern: str) -> Random:
    """The stream of chance for one concern of one shop."""
    return Random(f"maison-lumen/{seed}/{concern}")


def draw_count(rng: Random, mean: float) -> int:
    """A Poisson count; from a mean of 12 on its normal approximation, which is faster."""
    if mean <= 0:
        return 0
    if mean >= 12:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    limit = exp(-mean)
    count, product = 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count


class VendorIds:
    """Ids in the vendors' shapes, in the order they are asked for."""

    _FIRST: ClassVar[dict[str, tuple[int, int]]] = {
        "order": (5_812_004_300_000, 32_768),
        "line_item": (14_230_118_700_000, 32_768),
        "agreement": (610_400_220_000, 65_536),
        "refund": (918_200_450_000, 32_768),
        "fulfillment": (5_240_077_100_000, 32_768),
        "customer": (7_410_300_900_000, 32_768),
        "checkout": (37_204_118_000_000, 32_768),
    }

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count: dict[str, int] = {}

    def number(self, kind: str) -> int:
        """The next id of a kind that the shop platform numbers; ascending."""
        count = self._count.get(kind, 0)
        self._count[kind] = count + 1
        first, step = self._FIRST[kind]
        return first + step * count

    def token(self, prefix: str) -> str:
        """The next id in the processor's manner: prefix and 24 letters or digits."""
        digest = self._digest(prefix, 18)
        return prefix + base64.b64encode(digest, b"Lm").decode("ascii")

    def uuid(self, kind: str) -> str:
        """The next id in the bank's manner."""
        return str(uuid.UUID(bytes=self._digest(kind, 16), version=4))

    def _digest(self, kind: str, size: int) -> bytes:
        count = self._count.get(kind, 0)
        self._count[kind] = count + 1
        return hashlib.blake2b(f"{self._seed}/{kind}/{count}".encode(), digest_size=size).digest()
