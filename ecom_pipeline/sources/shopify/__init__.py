"""Shopify: orders with their whole ledger, abandoned checkouts and unit costs, by the Admin GraphQL API."""

from ecom_pipeline.sources.shopify.source import ShopifySource

__all__ = ["ShopifySource"]
