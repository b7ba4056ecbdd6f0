"""PrestaShop's streams, and which fields of which resources they are made of.

Only these fields are asked for: of the buyer the e-mail (hashed on arrival) and the country of delivery.
"""

from __future__ import annotations

from ecom_pipeline.sources.contract import Change, Child, Column, Table, Type

FIELDS = {
    "orders": (
        "id", "id_address_delivery", "id_currency", "id_customer", "current_state", "date_add", "date_upd",
        "reference", "total_discounts_tax_excl", "total_discounts_tax_incl", "total_shipping_tax_excl",
        "total_shipping_tax_incl", "total_wrapping_tax_excl", "total_wrapping_tax_incl",
    ),
    "order_details": (
        "id", "id_order", "product_id", "product_attribute_id", "product_name", "product_quantity",
        "total_price_tax_excl", "total_price_tax_incl",
    ),
    "order_slip": (),  # whole, because only so it comes with its articles; it tells nothing of the buyer
    "order_histories": ("id", "id_order", "id_order_state", "date_add"),
    "order_cart_rules": ("id", "id_order", "id_cart_rule", "free_shipping"),
    "order_states": ("id", "logable", "shipped"),
    "cart_rules": ("id", "code"),
    "customers": ("id", "email"),
    "addresses": ("id", "id_country"),
    "countries": ("id", "iso_code"),
    "currencies": ("id", "iso_code", "conversion_rate"),
    "products": ("id", "name", "wholesale_price", "active"),
    "combinations": ("id", "id_product", "wholesale_price"),
    "stock_availables": ("id", "id_product", "id_product_attribute", "quantity"),
}  # fmt: skip
"""What is asked for, by resource: these are all the key must be allowed to read."""

ORDERS = Table(
    name="orders",
    grain="One order with its lines and credit slips, in its present state.",
    change=Change.LOG,
    key=("id",),
    version="updated_at",
    swept=True,
    columns=(
        Column("id", Type.STRING, required=True),
        Column("reference", Type.STRING),
        Column("state", Type.STRING, required=True),
        Column("is_counted", Type.BOOLEAN, required=True),
        Column("currency", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True),
        Column("shipped_at", Type.TIMESTAMP),
        Column("cancelled_at", Type.TIMESTAMP),
        Column("customer", Type.STRING),
        Column("country", Type.STRING),
        Column("discount_code", Type.STRING),
    ),
    children=(
        Child(
            "lines",
            "One line of an order, of a credit slip, or of what was left when the order was given up.",
            ("line_id",),
            (
                Column("line_id", Type.STRING, required=True),
                Column("refund_id", Type.STRING),
                Column("happened_at", Type.TIMESTAMP, required=True),
                Column("kind", Type.STRING, required=True),
                Column("product_id", Type.STRING),
                Column("product", Type.STRING),
                Column("quantity", Type.INTEGER, required=True),
                Column("subtotal", Type.DECIMAL, required=True),
                Column("total", Type.DECIMAL, required=True),
                Column("tax", Type.DECIMAL, required=True),
            ),
        ),
    ),
    docs="PrestaShop webservice, resources orders, order_details, order_slip, order_histories and order_cart_rules: "
    "amounts with and without tax, discounts beside the goods; times in the shop's zone, without it.",
)
PRODUCTS = Table(
    name="products",
    grain="One product, or one combination of a product, with its cost and stock as they are today.",
    change=Change.SNAPSHOT,
    key=("id",),
    columns=(
        Column("id", Type.STRING, required=True),
        Column("name", Type.STRING),
        Column("unit_cost", Type.DECIMAL),
        Column("currency", Type.STRING, required=True),
        Column("on_hand", Type.INTEGER),
        Column("is_active", Type.BOOLEAN, required=True),
    ),
    docs="PrestaShop webservice, resources products, combinations and stock_availables: wholesale_price, in the "
    "shop's default currency; a combination without one has that of its product. The quantity is what can still be "
    "sold.",
)
