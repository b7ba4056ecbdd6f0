"""What is read from Shopify and what a row of it means."""

from __future__ import annotations

from ecom_pipeline.sources.contract import Change, Child, Column, Table, Type

SALE_LINES = Child(
    name="sale_lines",
    grain="One line of one agreement: something sold, added, removed or given back, signed.",
    key=("id",),
    columns=(
        Column("id", Type.STRING, required=True),
        Column("agreement_id", Type.STRING, required=True),
        Column("happened_at", Type.TIMESTAMP, required=True),
        Column("action", Type.STRING, required=True),
        Column("line_type", Type.STRING, required=True),
        Column("line_item_id", Type.STRING),
        Column("variant_id", Type.STRING),
        Column("title", Type.STRING),
        Column("quantity", Type.INTEGER),
        Column("currency", Type.STRING, required=True),
        Column("total_amount", Type.DECIMAL, required=True),
        Column("total_tax", Type.DECIMAL, required=True),
        Column("discount_before_taxes", Type.DECIMAL, required=True),
    ),
)
RESTOCKS = Child(
    name="restocks",
    grain="What one refund says about the articles of one line item: back on the shelf or not.",
    key=("id",),
    columns=(
        Column("id", Type.STRING, required=True),
        Column("refund_id", Type.STRING, required=True),
        Column("happened_at", Type.TIMESTAMP, required=True),
        Column("line_item_id", Type.STRING, required=True),
        Column("variant_id", Type.STRING),
        Column("quantity", Type.INTEGER, required=True),
        Column("restock_type", Type.STRING, required=True),
    ),
)
FULFILLMENTS = Child(
    name="fulfillments",
    grain="One parcel handed to a carrier.",
    key=("id",),
    columns=(
        Column("id", Type.STRING, required=True),
        Column("status", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("delivered_at", Type.TIMESTAMP),
    ),
)
ORDERS = Table(
    name="orders",
    grain="One order in its present state, with every agreement ever made about it.",
    change=Change.LOG,
    key=("id",),
    version="updated_at",
    swept=True,
    columns=(
        Column("id", Type.STRING, required=True),
        Column("name", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True),
        Column("cancelled_at", Type.TIMESTAMP),
        Column("is_test", Type.BOOLEAN, required=True),
        Column("financial_status", Type.STRING),
        Column("currency", Type.STRING, required=True),
        Column("customer", Type.STRING),
        Column("country", Type.STRING),
        Column("device", Type.STRING),
        Column("utm_source", Type.STRING),
        Column("utm_medium", Type.STRING),
        Column("utm_campaign", Type.STRING),
        Column("referrer_host", Type.STRING),
        Column("discount_code", Type.STRING),
    ),
    children=(SALE_LINES, RESTOCKS, FULFILLMENTS),
    docs="Shopify Admin GraphQL: Order, SalesAgreement, Sale, Refund, Fulfillment",
)
ABANDONED_CHECKOUTS = Table(
    name="abandoned_checkouts",
    grain="One checkout that was left, among them those completed later.",
    change=Change.LOG,
    key=("id",),
    version="updated_at",
    columns=(
        Column("id", Type.STRING, required=True),
        Column("created_at", Type.TIMESTAMP, required=True),
        Column("updated_at", Type.TIMESTAMP, required=True),
        Column("completed_at", Type.TIMESTAMP),
        Column("device", Type.STRING),
        Column("country", Type.STRING),
    ),
    docs="Shopify Admin GraphQL: AbandonedCheckout",
)
VARIANTS = Table(
    name="variants",
    grain="One sellable variant with its unit cost and stock of today; those of the past cannot be had.",
    change=Change.SNAPSHOT,
    key=("id",),
    columns=(
        Column("id", Type.STRING, required=True),
        Column("title", Type.STRING, required=True),
        Column("unit_cost", Type.DECIMAL),
        Column("currency", Type.STRING),
        Column("on_hand", Type.INTEGER),
        Column("is_active", Type.BOOLEAN, required=True),
    ),
    docs="Shopify Admin GraphQL: ProductVariant.inventoryQuantity, InventoryItem.unitCost and tracked, Product.status",
)
TABLES = (ORDERS, ABANDONED_CHECKOUTS, VARIANTS)
