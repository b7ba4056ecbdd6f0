"""Stripe: payments, fees, refunds, payouts and disputes."""

from ecom_pipeline.sources.stripe.source import Stripe

__all__ = ["Stripe"]
