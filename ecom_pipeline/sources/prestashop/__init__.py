"""PrestaShop: a shop on a site of one's own, read over its webservice."""

from ecom_pipeline.sources.prestashop.source import PrestaShop

__all__ = ["PrestaShop"]
