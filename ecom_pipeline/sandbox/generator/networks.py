"""The shop's account on Instagram: who sees it, what they do, who follows.

Now and then the network does not tell a measure of a day, or nothing of it at all.
"""

from __future__ import annotations

from datetime import date
from random import Random

from ecom_pipeline.sandbox.events import Shop, SocialDay
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.streams import draw_count, stream

_FOLLOWERS_AN_ORDER = 90  # of a day
_SEEN_AGAIN = (0.38, 0.46)  # of the daily reach of four weeks, those counted once
_MEASURES = ("reach", "reach_28_days", "views", "likes", "comments", "shares", "saves", "link_clicks")
_SILENT_EVERY, _LINKS_EVERY, _SAVES_EVERY = 41, 23, 29  # days


def tell(shop: Shop, clock: Clock) -> None:
    """Add each day's figures to the shop."""
    rng = stream(shop.seed, "networks")
    days = list(clock.days())
    followers = 300 + round(_FOLLOWERS_AN_ORDER * len(shop.orders) / len(days))
    reaches: list[int] = []
    for day in days:
        followers += draw_count(rng, followers * 0.0012) - draw_count(rng, followers * 0.0005)
        reaches.append(
            max(1, round(followers * rng.uniform(0.18, 0.34) * (1.3 if day.weekday() == 6 else 1)))
        )
        shop.social.append(_day(rng, day, reaches[-28:], followers))


def _day(rng: Random, day: date, reaches: list[int], followers: int) -> SocialDay:
    reach = reaches[-1]
    views = round(reach * rng.uniform(1.6, 2.3))
    return SocialDay(
        day=day,
        network="instagram",
        reach=reach,
        reach_28_days=max(reach, round(sum(reaches) * rng.uniform(*_SEEN_AGAIN))),
        views=views,
        likes=draw_count(rng, reach * 0.045),
        comments=draw_count(rng, reach * 0.004),
        shares=draw_count(rng, reach * 0.006),
        saves=draw_count(rng, reach * 0.009),
        link_clicks=draw_count(rng, views * 0.007),
        followers=followers,
        untold=_untold(day),
    )


def _untold(day: date) -> tuple[str, ...]:
    number = day.toordinal()
    if number % _SILENT_EVERY == 0:
        return _MEASURES
    untold = [("link_clicks", _LINKS_EVERY), ("saves", _SAVES_EVERY)]
    return tuple(name for name, every in untold if number % every == 0)
