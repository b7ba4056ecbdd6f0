"""The one error of this layer that a person is meant to read."""

from __future__ import annotations

from ecom_pipeline.errors import EcomError


class DeliveryError(EcomError):
    """Something to mend before a report can be sent; it shows no address, password or server's raw words."""

    def __init__(self, what: str, why: str, mend: str) -> None:
        super().__init__(what, why=why, mend=mend)
