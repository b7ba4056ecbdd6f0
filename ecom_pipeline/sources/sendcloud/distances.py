"""How far parcels travel: what turns a parcel's weight into tonne-kilometres.

No carrier tells a parcel's way. The distances are rough means of the way by road from a warehouse in the
Paris region to where most people of a country live, sea crossings included; by air, the great circle to its
largest cities. They are defaults: a shop that sends from elsewhere sets its own.
"""

from __future__ import annotations

from collections.abc import Mapping

KILOMETRES: Mapping[str, int] = {
    "FR": 450, "MC": 950, "BE": 320, "LU": 380, "NL": 500, "DE": 850, "CH": 600, "AT": 1250, "IT": 1200,
    "ES": 1250, "PT": 1700, "GB": 500, "IE": 1100, "DK": 1250, "SE": 1850, "NO": 2000, "FI": 2500, "PL": 1600,
    "CZ": 1050, "SK": 1350, "HU": 1500, "SI": 1300, "HR": 1450, "RO": 2300, "BG": 2250, "GR": 2900,
    "EE": 2500, "LV": 2250, "LT": 2050,
    "MT": 1750, "CY": 2950, "US": 7000, "CA": 6000, "AU": 16900, "JP": 9700,
}  # fmt: skip
ELSEWHERE = 9000  # a country that is not listed is taken to be far away, and reached by air
BY_AIR = ("MT", "CY", "US", "CA", "AU", "JP")


def kilometres_to(country: str | None, own: Mapping[str, int]) -> int | None:
    """Kilometres between the warehouse and a country, by the shop's own table first; None without a country."""
    return None if country is None else own.get(country, KILOMETRES.get(country, ELSEWHERE))


def is_by_air(country: str | None, own: Mapping[str, int], by_air: tuple[str, ...]) -> bool:
    """Whether parcels fly there: the countries named, and those whose distance nobody told."""
    return country in by_air or (country is not None and country not in own and country not in KILOMETRES)
