"""What lists of PrestaShop's webservice may be asked, which fields each resource has, and its errors."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ecom_pipeline.sandbox.endpoint import Answer, Call

Item = dict[str, Any]

PARAMETERS = ("output_format", "display", "sort", "limit", "date", "language")
FILTER = re.compile(r"filter\[(\w+)\]")
BRACKETS = re.compile(r"([<>!]?)\[(.*)\]")
SPAN = re.compile(r"([\d.:\-\s]+),([\d.:\-\s]+)")
DATES = ("date_add", "date_upd")
FIELDS = {
    "orders": (
        "id", "id_address_delivery", "id_address_invoice", "id_cart", "id_currency", "id_lang", "id_customer",
        "id_carrier", "current_state", "module", "invoice_number", "invoice_date", "delivery_number",
        "delivery_date", "valid", "date_add", "date_upd", "shipping_number", "note", "id_shop_group", "id_shop",
        "secure_key", "payment", "recyclable", "gift", "gift_message", "mobile_theme", "total_discounts",
        "total_discounts_tax_incl", "total_discounts_tax_excl", "total_paid", "total_paid_tax_incl",
        "total_paid_tax_excl", "total_paid_real", "total_products", "total_products_wt", "total_shipping",
        "total_shipping_tax_incl", "total_shipping_tax_excl", "carrier_tax_rate", "total_wrapping",
        "total_wrapping_tax_incl", "total_wrapping_tax_excl", "round_mode", "round_type", "conversion_rate",
        "reference",
    ),
    "order_details": (
        "id", "id_order", "product_id", "product_attribute_id", "product_quantity_reinjected", "group_reduction",
        "discount_quantity_applied", "download_hash", "download_deadline", "id_order_invoice", "id_warehouse",
        "id_shop", "id_customization", "product_name", "product_quantity", "product_quantity_in_stock",
        "product_quantity_return", "product_quantity_refunded", "product_price", "reduction_percent",
        "reduction_amount", "reduction_amount_tax_incl", "reduction_amount_tax_excl",
        "product_quantity_discount", "product_ean13", "product_isbn", "product_upc", "product_mpn",
        "product_reference", "product_supplier_reference", "product_weight", "tax_computation_method",
        "id_tax_rules_group", "ecotax", "ecotax_tax_rate", "download_nb", "unit_price_tax_incl",
        "unit_price_tax_excl", "total_price_tax_incl", "total_price_tax_excl", "total_shipping_price_tax_excl",
        "total_shipping_price_tax_incl", "purchase_supplier_price", "original_product_price",
        "original_wholesale_price",
    ),
    "order_slip": (
        "id", "id_customer", "id_order", "conversion_rate", "total_products_tax_excl", "total_products_tax_incl",
        "total_shipping_tax_excl", "total_shipping_tax_incl", "amount", "shipping_cost", "shipping_cost_amount",
        "partial", "date_add", "date_upd", "order_slip_type",
    ),
    "order_histories": ("id", "id_employee", "id_order_state", "id_order", "date_add"),
    "order_cart_rules": (
        "id", "id_order", "id_cart_rule", "id_order_invoice", "name", "value", "value_tax_excl", "free_shipping",
        "deleted",
    ),
    "order_states": (
        "id", "unremovable", "delivery", "hidden", "send_email", "module_name", "invoice", "color", "logable",
        "shipped", "paid", "pdf_delivery", "pdf_invoice", "deleted", "name", "template",
    ),
    "cart_rules": (
        "id", "id_customer", "date_from", "date_to", "description", "quantity", "quantity_per_user", "priority",
        "partial_use", "code", "free_shipping", "reduction_percent", "reduction_amount", "active", "date_add",
        "date_upd", "name",
    ),
    "customers": (
        "id", "id_default_group", "id_lang", "newsletter_date_add", "ip_registration_newsletter",
        "last_passwd_gen", "secure_key", "deleted", "passwd", "lastname", "firstname", "email", "id_gender",
        "birthday", "newsletter", "optin", "website", "company", "siret", "ape", "active", "note", "is_guest",
        "id_shop", "id_shop_group", "date_add", "date_upd",
    ),
    "addresses": (
        "id", "id_customer", "id_manufacturer", "id_supplier", "id_warehouse", "id_country", "id_state", "alias",
        "company", "lastname", "firstname", "vat_number", "address1", "address2", "postcode", "city", "other",
        "phone", "phone_mobile", "dni", "deleted", "date_add", "date_upd",
    ),
    "countries": ("id", "id_zone", "id_currency", "call_prefix", "iso_code", "active", "name"),
    "currencies": (
        "id", "names", "name", "symbol", "iso_code", "numeric_iso_code", "precision", "conversion_rate",
        "deleted", "active", "unofficial", "modified",
    ),
    "products": (
        "id", "id_manufacturer", "id_supplier", "id_category_default", "id_tax_rules_group", "type",
        "id_shop_default", "reference", "price", "wholesale_price", "active", "state", "date_add", "date_upd",
        "name",
    ),
    "stock_availables": (
        "id", "id_product", "id_product_attribute", "id_shop", "id_shop_group", "quantity", "depends_on_stock",
        "out_of_stock", "location",
    ),
    "combinations": (
        "id", "id_product", "location", "ean13", "isbn", "upc", "mpn", "quantity", "reference",
        "supplier_reference", "wholesale_price", "price", "ecotax", "weight", "unit_price_impact",
        "minimal_quantity", "low_stock_threshold", "low_stock_alert", "default_on", "available_date",
    ),
}  # fmt: skip
"""The fields of each resource, as its page of the documentation lists them (of the longest ones: these and more)."""
NODES = {"order_slip": "order_slips"}  # where a list is not called after its resource


class Refused(Exception):
    """The request is answered with one of the webservice's errors."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = error_answer(status, code, message)


def error_answer(status: int, code: int, message: str) -> Answer:
    return Answer({"errors": [{"code": code, "message": message}]}, status)


def listed(call: Call, resource: str, items: list[Item]) -> Answer:
    """The items as asked for: filtered, sorted, cut, each with the fields to display. Raises Refused."""
    asked = dict(call.query)
    found = sorted(items, key=lambda item: int(item["id"]))
    dated = asked.get("date") == "1"
    for name, value in call.query:
        if match := FILTER.fullmatch(name):
            keeps = filtered(filterable(match[1], resource, dated), value)
            found = [item for item in found if keeps(item)]
        elif name not in PARAMETERS:
            raise AssertionError(
                f"PrestaShop would ignore {name} in silence; no client of ours should ask it"
            )
    if "sort" in asked:
        for one in reversed(asked["sort"].strip("[]").split(",")):
            field, _, direction = one.rpartition("_")
            filterable(field, resource, dated)
            if direction not in ("ASC", "DESC"):
                raise Refused(400, 37, 'The "sort" value has to be formed as this example: "field_ASC"')
            found = in_order(found, field, direction == "DESC")
    start, count = window(asked.get("limit"), len(found))
    body = [displayed(item, asked.get("display"), resource) for item in found[start : start + count]]
    series = call.path + "&".join(f"{name}={value}" for name, value in call.query if name != "filter[id]")
    continues = asked.get("filter[id]", "").startswith(">")
    return Answer({NODES.get(resource, resource): body} if body else [], series=series, continues=continues)


def in_order(items: list[Item], field: str, descending: bool) -> list[Item]:
    return sorted(items, key=lambda item: place(item[field]), reverse=descending)


def filterable(name: str, resource: str, dated: bool) -> str:
    """The name of a field lists are filtered and sorted by; of dates only when it is said that there are some."""
    if name not in FIELDS[resource] or (name in DATES and not dated):
        raise Refused(400, 32, f'This filter does not exist. Did you mean: "{FIELDS[resource][0]}"?')
    return name


def filtered(name: str, value: str) -> Callable[[Item], bool]:
    """Whether an item's field is one of some values, between two (both included), or beyond one."""
    match = BRACKETS.fullmatch(value)
    if match is None or match[1] == "!":
        raise AssertionError(f"the twin does not know the filter {value}")
    beyond, inside = match[1], match[2]
    if beyond:
        bound = place(inside)
        return lambda item: place(item[name]) > bound if beyond == ">" else place(item[name]) < bound
    if "|" not in inside and (span := SPAN.fullmatch(inside)):
        low, high = sorted((place(span[1]), place(span[2])))
        return lambda item: low <= place(item[name]) <= high
    values = set(inside.split("|"))
    return lambda item: str(item[name]) in values


def place(value: Any) -> tuple[Decimal, str]:
    """Where a value stands among others: numbers by their size, other texts (times too) by their letters."""
    text = str(value)
    number = re.fullmatch(r"-?\d+(\.\d+)?", text)
    return (Decimal(text), "") if number else (Decimal(0), text)


def window(limit: str | None, total: int) -> tuple[int, int]:
    """Where a list begins and how many it holds: `limit` is a number, or a place and a number."""
    if limit is None:
        return 0, total
    parts = limit.split(",")
    if len(parts) > 2:
        raise Refused(400, 39, 'The "limit" value has to be formed as this example: "5,25" or "10"')
    return (int(parts[0]), int(parts[1])) if len(parts) == 2 else (0, int(parts[0]))


def displayed(item: Item, display: str | None, resource: str) -> Item:
    """An item with the fields asked for: by default its number, associations only in full."""
    if display == "full":
        return item
    fields = display.strip("[]").split(",") if display else ["id"]
    for field in fields:
        if field not in FIELDS[resource]:
            raise Refused(400, 35, f'Unable to display this field "{field}".')
    return {field: item[field] for field in fields}
