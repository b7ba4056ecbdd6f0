"""WooCommerce: a shop on a WordPress site."""

from ecom_pipeline.sources.woocommerce.source import WooCommerce

__all__ = ["WooCommerce"]
