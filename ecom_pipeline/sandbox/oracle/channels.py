"""Which of GA4's default channel groups an order or a campaign belongs to, first match wins.

The groups are GA4's; the order of the rules and the lists of sites are the project's own definition.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from ecom_pipeline.sandbox.events import Visit

SEARCH_ENGINES = frozenset({"google", "bing", "yahoo", "duckduckgo", "ecosia", "qwant", "baidu", "yandex"})
SOCIAL_NETWORKS = frozenset(
    {"facebook", "fb", "instagram", "ig", "pinterest", "tiktok", "linkedin", "twitter", "x", "snapchat"}
    | {"reddit"}
)
VIDEO_SITES = frozenset({"youtube", "vimeo", "dailymotion"})

DISPLAY_MEDIUMS = frozenset({"display", "banner", "expandable", "interstitial", "cpm"})
SOCIAL_MEDIUMS = frozenset({"social", "social-network", "social-media", "sm"})
EMAIL_WORDS = frozenset({"email", "e-mail", "e_mail", "e mail", "newsletter"})

MOBILE_PUSH = "Mobile Push Notifications"
AD_CHANNELS = {
    "SEARCH": "Paid Search",
    "PERFORMANCE_MAX": "Cross-network",
    "SHOPPING": "Paid Shopping",
    "DISPLAY": "Display",
    "VIDEO": "Paid Video",
    "SOCIAL": "Paid Social",
}
AD_ACCOUNTS = {"google_ads": "ads", "meta": "meta", "tiktok": "tiktok"}
"""What the shop calls its account with each ad platform."""

PAID_CHANNELS = frozenset(
    {"Paid Search", "Paid Social", "Paid Shopping", "Paid Video", "Paid Other", "Display", "Cross-network"}
)


def channel_of(visit: Visit) -> str:
    """The channel group of a visit; "Unassigned" when no rule matches."""
    source, medium, campaign, referrer = (
        (text or "").strip().lower()
        for text in (visit.source, visit.medium, visit.campaign, visit.referrer_url)
    )
    if not (source or medium or referrer):
        return "Direct"
    if source == "(direct)" and medium in {"", "(none)", "(not set)"}:
        return "Direct"
    if "cross-network" in campaign:
        return "Cross-network"
    if medium in {"cpc", "ppc", "retargeting"} or medium.startswith("paid"):
        return _paid_channel(source, campaign)
    if not (source or medium):
        return _referred_channel(referrer)
    return _unpaid_channel(source, medium)


def _paid_channel(source: str, campaign: str) -> str:
    if "shop" in campaign:
        return "Paid Shopping"
    if _is_one_of(source, SEARCH_ENGINES):
        return "Paid Search"
    if _is_one_of(source, SOCIAL_NETWORKS):
        return "Paid Social"
    if _is_one_of(source, VIDEO_SITES):
        return "Paid Video"
    return "Paid Other"


def _unpaid_channel(source: str, medium: str) -> str:
    rules = (
        (medium in DISPLAY_MEDIUMS, "Display"),
        (_is_one_of(source, SOCIAL_NETWORKS) or medium in SOCIAL_MEDIUMS, "Organic Social"),
        (_is_one_of(source, VIDEO_SITES) or "video" in medium, "Organic Video"),
        (_is_one_of(source, SEARCH_ENGINES) or medium == "organic", "Organic Search"),
        (source in EMAIL_WORDS or medium in EMAIL_WORDS, "Email"),
        (medium in {"affiliate", "affiliates"}, "Affiliates"),
        (medium == "audio", "Audio"),
        ("sms" in {source, medium}, "SMS"),
        (medium.endswith("push") or "mobile" in medium or "notification" in medium, MOBILE_PUSH),
        (medium in {"referral", "app", "link"}, "Referral"),
    )
    return next((channel for matches, channel in rules if matches), "Unassigned")


def _referred_channel(referrer: str) -> str:
    host = urlsplit(referrer if "//" in referrer else f"//{referrer}").hostname or ""
    if _is_one_of(host, SEARCH_ENGINES):
        return "Organic Search"
    if _is_one_of(host, SOCIAL_NETWORKS):
        return "Organic Social"
    return "Referral"


def _is_one_of(source_or_host: str, names: frozenset[str]) -> bool:
    return not names.isdisjoint(source_or_host.split("."))
