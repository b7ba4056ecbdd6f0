"""Which access scope each field needs, and the vendor's refusal without it."""

from __future__ import annotations

from datetime import timedelta

from graphql import FieldNode, GraphQLError

from ecom_pipeline.sandbox.world import World

SCOPES = ("read_all_orders", "read_customers", "read_inventory", "read_orders", "read_products")
RECENT = timedelta(days=60)
"""How old an order may be without read_all_orders."""

REQUIRED = {
    ("QueryRoot", "orders"): "read_orders",
    ("QueryRoot", "order"): "read_orders",
    ("QueryRoot", "abandonedCheckouts"): "read_orders",
    ("QueryRoot", "customers"): "read_customers",
    ("QueryRoot", "products"): "read_products",
    ("QueryRoot", "productVariants"): "read_products",
    ("Order", "customer"): "read_customers",
    ("AbandonedCheckout", "customer"): "read_customers",
    ("LineItem", "product"): "read_products",
    ("LineItem", "variant"): "read_products",
}
NODE_SCOPES = {"Order": "read_orders"}


class Access:
    """The scopes the token was given, read anew for every request."""

    def __init__(self, world: World) -> None:
        self.granted = [scope for scope in SCOPES if not world.lacks("shopify", scope)]

    def refusal(self, type_name: str, node: FieldNode) -> GraphQLError | None:
        """The error for a field that needs a scope not granted; None when it may be read."""
        scope = REQUIRED.get((type_name, node.name.value))
        if scope is None or scope in self.granted:
            return None
        return denied(node.name.value, scope, node)


def denied(field: str, scope: str, node: FieldNode | None = None) -> GraphQLError:
    """The error for a field whose scope was not granted."""
    return GraphQLError(
        f"Access denied for {field} field. Required access: `{scope}` access scope.",
        node,
        path=[field],
        extensions={
            "code": "ACCESS_DENIED",
            "documentation": "https://shopify.dev/api/usage/access-scopes",
            "requiredAccess": f"`{scope}` access scope.",
        },
    )
