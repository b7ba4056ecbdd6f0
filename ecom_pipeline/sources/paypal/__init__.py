"""PayPal: payments, refunds, withdrawals and disputes of one account."""

from ecom_pipeline.sources.paypal.source import PayPal

__all__ = ["PayPal"]
