"""Stripe's minor units: how many of them make one unit of a currency.

Two decimals unless said otherwise. Stripe departs from ISO 4217 where it must stay compatible with its own
past: the króna (ISK) and the Ugandan shilling (UGX) have no decimals any more, but Stripe still sends
hundredths; the ariary (MGA) has fifths on paper and no decimals at Stripe. (Stripe, "Supported currencies".)
"""

from __future__ import annotations

from decimal import Decimal

ZERO_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMALS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def major(minor_units: int, currency: str) -> Decimal:
    """An amount in the currency's own unit, exact."""
    code = currency.upper()
    decimals = 0 if code in ZERO_DECIMALS else 3 if code in THREE_DECIMALS else 2
    return Decimal(minor_units).scaleb(-decimals)
