"""Tries a shop's token and rights one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecom_pipeline.errors import SourceError
from ecom_pipeline.sources.contract import Finding
from ecom_pipeline.sources.shopify.graphql import GraphqlClient, granted_scopes
from ecom_pipeline.sources.shopify.queries import CHECK

SCOPES = {
    "read_orders": "orders, refunds and abandoned checkouts",
    "read_all_orders": "orders older than 60 days",
    "read_customers": "customers' e-mails, kept as pseudonyms only",
    "read_products": "products",
    "read_inventory": "unit costs",
}
GRANT = "In the shop's admin: Settings, Apps, Develop apps, the app, Admin API scopes: tick {}."


def findings(client: GraphqlClient, settings: Any, time_zone: str) -> list[Finding]:
    """One finding for the token, the shop, each scope, the time zone and the API version."""
    try:
        answer = client.run(CHECK)
        return client.shaped(lambda: read_findings(answer, client, settings, time_zone))
    except SourceError as error:
        return [Finding("access token", "error", f"{error.what} {error.why}".strip(), error.mend)]


def read_findings(
    answer: Mapping[str, Any], client: GraphqlClient, settings: Any, time_zone: str
) -> list[Finding]:
    shop = answer["shop"]
    return [
        Finding("access token", "ok", "Shopify accepts it."),
        shop_finding(shop, settings.domain),
        *scope_findings(granted_scopes(answer)),
        time_zone_finding(shop["ianaTimezone"], time_zone),
        *version_findings(client.version_told, settings.api_version),
    ]


def shop_finding(shop: Any, domain: str) -> Finding:
    detail = f"{shop['name']} ({shop['myshopifyDomain']}), currency {shop['currencyCode']}"
    if shop["myshopifyDomain"] == domain:
        return Finding("shop", "ok", detail)
    mend = "Correct `domain` in ecom.toml."
    return Finding("shop", "warning", f"{detail}; the settings say {domain}.", mend)


def scope_findings(granted: frozenset[str]) -> Iterator[Finding]:
    for scope, reads in SCOPES.items():
        if scope in granted:
            yield Finding(f"scope {scope}", "ok", f"Granted: {reads}.")
        else:
            yield Finding(f"scope {scope}", "error", f"Missing: {reads} cannot be read.", grant(scope))


def grant(scope: str) -> str:
    if scope == "read_all_orders":
        return f"{GRANT.format(scope)} An app of the Partner Dashboard asks for it under API access there."
    return GRANT.format(scope)


def time_zone_finding(shop_zone: str, time_zone: str) -> Finding:
    """Whether the shop counts its days as the product does."""
    if shop_zone == time_zone:
        return Finding("time zone", "ok", f"The shop's days are those of {shop_zone}.")
    return Finding(
        "time zone",
        "warning",
        f"The shop keeps {shop_zone}, ecom.toml says {time_zone}: days will not match Shopify's own reports.",
        f'Set `time_zone = "{shop_zone}"` in ecom.toml, or change it in the shop\'s admin; '
        "shops of several time zones are counted in one, and nothing is to be done.",
    )


def version_findings(told: str | None, asked: str) -> Iterator[Finding]:
    if told is not None and told != asked:
        yield Finding(
            "API version",
            "warning",
            f"Shopify answers with {told} instead of {asked}.",
            f'Set `api_version = "{told}"` once this product supports it.',
        )
