"""The fields of the shop, its products, customers and checkouts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from operator import attrgetter, itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from ecom_pipeline.sandbox.vendors.shopify.money import amount_text, scaled_text
from ecom_pipeline.sandbox.vendors.shopify.scalars import always, gid, instant, nothing, personal
from ecom_pipeline.sandbox.vendors.shopify.snapshot import Snapshot
from ecom_pipeline.sandbox.vendors.shopify.views_shop import ItemView

Getter = Callable[[Any], Any]
Fields = dict[str, Getter]

COST_DECIMALS = 4


def unit_cost(item: ItemView) -> tuple[str, str] | None:
    """The cost entered for the article, with up to four decimals; only today's is known."""
    if item.facts.unit_cost is None:
        return None
    return (scaled_text(item.facts.unit_cost, COST_DECIMALS), item.snapshot.shop.currency)


def itself(view: Any) -> Any:
    return view


def offset_minutes(snapshot: Snapshot) -> int:
    local = snapshot.now.astimezone(ZoneInfo(snapshot.shop.time_zone))
    return int((local.utcoffset() or timedelta()).total_seconds() // 60)


def offset(snapshot: Snapshot) -> str:
    minutes = offset_minutes(snapshot)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}{abs(minutes) % 60:02d}"


def subscribed(customer_id: int) -> str:
    """Consent is no fact of the shop: every third customer said yes."""
    return "SUBSCRIBED" if customer_id % 3 == 0 else "NOT_SUBSCRIBED"


ADDRESS: Fields = {
    "id": lambda a: gid("MailingAddress", a["id"]),
    "country": itemgetter("country"),
    "countryCode": itemgetter("country"),
    "countryCodeV2": itemgetter("country"),
    **{name: personal(name) for name in ("address1", "address2", "city", "company", "zip")},
    **{name: personal(name) for name in ("firstName", "lastName", "name", "phone")},
    "province": nothing,
    "provinceCode": nothing,
}

PRODUCT: Fields = {
    "id": lambda p: gid("Product", p.facts.product_id),
    "legacyResourceId": lambda p: str(p.facts.product_id),
    "title": attrgetter("facts.title"),
    "handle": lambda p: p.facts.title.lower().replace(" ", "-"),
    "status": lambda p: "ACTIVE" if any(v.is_active for v in p.siblings) else "DRAFT",
    "vendor": always("Sandbox"),
    "productType": always(""),
    "createdAt": lambda p: instant(min(v.facts.created_at for v in p.siblings)),
    "updatedAt": lambda p: instant(max(v.facts.created_at for v in p.siblings)),
    "isGiftCard": always(False),
    "variants": attrgetter("siblings"),
}

VARIANT: Fields = {
    "id": lambda v: gid("ProductVariant", v.facts.variant_id),
    "legacyResourceId": lambda v: str(v.facts.variant_id),
    "title": always("Default Title"),
    "displayName": lambda v: f"{v.facts.title} - Default Title",
    "sku": attrgetter("facts.sku"),
    "price": lambda v: amount_text(v.facts.price, v.snapshot.shop.currency),
    "createdAt": lambda v: instant(v.facts.created_at),
    "updatedAt": lambda v: instant(v.facts.created_at),
    "inventoryItem": itself,
    "inventoryQuantity": attrgetter("on_hand"),
    "product": itself,
    "position": always(1),
}

INVENTORY_ITEM: Fields = {
    "id": lambda v: gid("InventoryItem", v.facts.inventory_item_id),
    "legacyResourceId": lambda v: str(v.facts.inventory_item_id),
    "sku": attrgetter("facts.sku"),
    "unitCost": unit_cost,
    "createdAt": lambda v: instant(v.facts.created_at),
    "updatedAt": lambda v: instant(v.facts.created_at),
    "tracked": always(True),
    "requiresShipping": always(True),
    "variant": itself,
}

CUSTOMER: Fields = {
    "id": lambda c: gid("Customer", c.facts.customer_id),
    "legacyResourceId": lambda c: str(c.facts.customer_id),
    "createdAt": lambda c: instant(c.seen.first_order_at if c.seen else c.snapshot.now),
    "updatedAt": lambda c: instant(c.seen.last_order_at if c.seen else c.snapshot.now),
    "numberOfOrders": lambda c: str(c.seen.orders if c.seen else 0),
    "defaultEmailAddress": itself,
    "email": attrgetter("facts.email"),
    "firstName": personal("firstName"),
    "lastName": personal("lastName"),
    "displayName": personal("displayName"),
    "phone": personal("phone"),
    "defaultAddress": attrgetter("address"),
    "state": always("DISABLED"),
    "verifiedEmail": always(True),
}

CHECKOUT: Fields = {
    "id": lambda c: gid("AbandonedCheckout", c.facts.checkout_id),
    "name": lambda c: f"#{c.facts.checkout_id}",
    "createdAt": lambda c: instant(c.facts.created_at),
    "updatedAt": lambda c: instant(c.updated_at),
    "completedAt": lambda c: instant(c.completed_at),
    "note": personal("note"),
    "abandonedCheckoutUrl": lambda c: f"https://sandbox.invalid/checkouts/{c.facts.checkout_id}/recover",
    "customAttributes": lambda c: [{"key": "device", "value": c.facts.device}],
    "customer": nothing,
    "shippingAddress": attrgetter("address"),
    "billingAddress": attrgetter("address"),
    **dict.fromkeys(
        ("totalPriceSet", "subtotalPriceSet", "totalLineItemsPriceSet"), lambda c: c.bag(c.facts.total)
    ),
    "totalDiscountSet": lambda c: c.bag(0),
    "totalTaxSet": nothing,
    "taxesIncluded": always(True),
    "discountCodes": always([]),
}

TYPES: dict[str, Fields] = {
    "MailingAddress": ADDRESS,
    "Product": PRODUCT,
    "ProductVariant": VARIANT,
    "InventoryItem": INVENTORY_ITEM,
    "Customer": CUSTOMER,
    "CustomerEmailAddress": {
        "emailAddress": attrgetter("facts.email"),
        "marketingState": lambda c: subscribed(c.facts.customer_id),
        "marketingUpdatedAt": nothing,
        "validFormat": lambda c: "@" in c.facts.email,
    },
    "AbandonedCheckout": CHECKOUT,
    "Attribute": {"key": itemgetter("key"), "value": itemgetter("value")},
    "Shop": {
        "id": lambda s: gid("Shop", s.shop.seed + 1),
        "name": attrgetter("shop.name"),
        "email": personal("email"),
        "ianaTimezone": attrgetter("shop.time_zone"),
        "timezoneAbbreviation": lambda s: f"{s.now.astimezone(ZoneInfo(s.shop.time_zone)):%Z}",
        "timezoneOffset": offset,
        "timezoneOffsetMinutes": offset_minutes,
        "currencyCode": attrgetter("shop.currency"),
        "myshopifyDomain": attrgetter("shop.domain"),
        "plan": always({"displayName": "Basic", "publicDisplayName": "Basic"}),
        "taxesIncluded": always(True),
        "createdAt": lambda s: f"{s.shop.first_day.isoformat()}T00:00:00Z",
    },
    "ShopPlan": {
        "displayName": itemgetter("displayName"),
        "publicDisplayName": itemgetter("publicDisplayName"),
        "partnerDevelopment": always(False),
        "shopifyPlus": always(False),
    },
    "AppInstallation": {"id": always(gid("AppInstallation", 1)), "accessScopes": itself},
    "AccessScope": {"handle": itself, "description": lambda scope: f"Grants {scope}"},
}
