"""Which payment processor a bank's own words name: all that may be kept of them.

A movement's label may name a person, so no bank's source stores it. What reconciliation needs of it is worked out
on arrival.
"""

from __future__ import annotations

import re

_PROCESSOR = re.compile(
    r"(?<![a-z0-9])"
    r"(adyen|alma|amazon|checkout\.com|gocardless|klarna|mollie|payplug|paypal|shopify|stripe|sumup|worldline)"
    r"(?![a-z0-9])"
)


def named_processor(label: str | None) -> str | None:
    """The payment processor that a label names as a word of its own, or None."""
    found = _PROCESSOR.search((label or "").lower())
    return found[1] if found else None
