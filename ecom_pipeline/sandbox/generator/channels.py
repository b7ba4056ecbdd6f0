"""Where buyers come from: shares, conversion, clicks' prices and the traces they leave on an order."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Literal

from ecom_pipeline.sandbox.events import Device, Visit

AdKind = Literal["SEARCH", "PERFORMANCE_MAX", "SHOPPING", "DISPLAY", "VIDEO", "SOCIAL"]
AdPlatform = Literal["google_ads", "meta", "tiktok"]


@dataclass(frozen=True)
class Campaign:
    """A campaign of an ad platform. `click_price` is euro cents; `tag` is the utm_campaign it sends."""

    campaign_id: int
    name: str
    kind: AdKind
    tag: str
    conversion: float  # purchases per session
    click_price: float
    click_through: float
    top_share: float
    platform: AdPlatform = "google_ads"


CAMPAIGNS = (
    Campaign(20_411_870_011, "Marque", "SEARCH", "marque", 0.050, 36, 0.19, 0.93),
    Campaign(20_411_870_028, "Génériques bougies", "SEARCH", "generique-bougies", 0.021, 53, 0.055, 0.47),
    Campaign(20_518_300_405, "Shopping maison", "SHOPPING", "shopping-maison", 0.024, 51, 0.011, 0.0),
    Campaign(
        20_733_915_550, "Performance Max", "PERFORMANCE_MAX", "cross-network-pmax", 0.022, 47, 0.014, 0.0
    ),
    Campaign(20_733_915_612, "Display remarketing", "DISPLAY", "remarketing", 0.006, 12, 0.004, 0.0),
)


@dataclass(frozen=True)
class Channel:
    """One GA4 default channel group as the shop knows it."""

    name: str
    new_share: float
    repeat_share: float
    conversion: float  # purchases per session
    visits: tuple[tuple[float, Visit], ...]

    @cached_property
    def up_to(self) -> tuple[float, ...]:
        return tuple(accumulate(weight for weight, _ in self.visits))

    def draw_visit(self, rng: Random) -> Visit:
        """One of the traces this channel leaves."""
        return self.visits[bisect(self.up_to, rng.random() * self.up_to[-1])][1]

    def share_of_tag(self, tag: str) -> float:
        """The share of the channel's orders that bear a campaign's tag."""
        return sum(weight for weight, visit in self.visits if visit.campaign == tag) / self.up_to[-1]


def _of(source: str, medium: str, campaign: str | None = None) -> Visit:
    return Visit(source=source, medium=medium, campaign=campaign)


CHANNELS = (
    Channel("Direct", 0.120, 0.300, 0.026, (
        (0.9, Visit()), (0.1, _of("(direct)", "(none)")))),
    Channel("Paid Search", 0.210, 0.080, 0.0297, (
        (0.45, _of("google", "cpc", "marque")), (0.45, _of("google", "cpc", "generique-bougies")),
        (0.10, _of("bing", "cpc", "marque-bing")))),
    Channel("Cross-network", 0.140, 0.040, 0.022, ((1.0, _of("google", "cpc", "cross-network-pmax")),)),
    Channel("Paid Shopping", 0.125, 0.040, 0.024, ((1.0, _of("google", "cpc", "shopping-maison")),)),
    Channel("Display", 0.010, 0.010, 0.006, ((1.0, _of("google", "display", "remarketing")),)),
    Channel("Organic Search", 0.170, 0.150, 0.026, (
        (0.6, _of("google", "organic")), (0.3, Visit(referrer_url="https://www.google.com/")),
        (0.1, Visit(referrer_url="https://duckduckgo.com/")))),
    Channel("Paid Social", 0.070, 0.030, 0.015, (
        (0.8, _of("facebook", "paid_social", "prospection-maison")),
        (0.2, _of("Facebook", "Paid_Social", "Prospection-Maison")))),
    Channel("Organic Social", 0.035, 0.030, 0.012, (
        (0.7, _of("instagram", "social")), (0.3, Visit(referrer_url="https://l.instagram.com/?u=lumen")))),
    Channel("Email", 0.030, 0.260, 0.045, (
        (0.7, _of("newsletter", "email", "lettre-mensuelle")),
        (0.3, _of("newsletter", "email", "panier-oublie")))),
    Channel("Referral", 0.050, 0.040, 0.020, (
        (0.6, Visit(referrer_url="https://carnet-deco.example/selection-bougies")),
        (0.4, Visit(referrer_url="https://www.idees-maison.example/")))),
    Channel("Affiliates", 0.040, 0.020, 0.028, (
        (1.0, _of("partenaires-deco", "affiliate", "commission-8")),)),
)  # fmt: skip


@dataclass(frozen=True)
class DeviceHabit:
    device: Device
    order_share: float
    conversion: float  # against the channel's


DEVICES = (
    DeviceHabit("mobile", 0.520, 0.83),
    DeviceHabit("desktop", 0.430, 1.29),
    DeviceHabit("tablet", 0.050, 1.00),
)

_NEW_UP_TO = tuple(accumulate(channel.new_share for channel in CHANNELS))
_REPEAT_UP_TO = tuple(accumulate(channel.repeat_share for channel in CHANNELS))
_DEVICE_UP_TO = tuple(accumulate(habit.order_share for habit in DEVICES))


def draw_channel(rng: Random, is_new: bool) -> Channel:
    """The channel of one order: newcomers come by ads and search, regulars by themselves and e-mail."""
    up_to = _NEW_UP_TO if is_new else _REPEAT_UP_TO
    return CHANNELS[bisect(up_to, rng.random() * up_to[-1])]


def draw_device(rng: Random) -> Device:
    """The device of one order."""
    return DEVICES[bisect(_DEVICE_UP_TO, rng.random() * _DEVICE_UP_TO[-1])].device
