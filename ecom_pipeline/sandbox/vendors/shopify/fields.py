"""What each field of each type answers: one small function from a view to a value.

Connections answer the whole sequence and lists the whole list; `projection` cuts them by the
arguments. Every name here is also in `schema.graphql`, and the other way round (tested).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from ecom_pipeline.sandbox.vendors.shopify import fields_order, fields_sale, fields_shop
from ecom_pipeline.sandbox.vendors.shopify.money import amount_text
from ecom_pipeline.sandbox.vendors.shopify.scalars import always, instant, nothing

Getter = Callable[[Any], Any]

MONEY: dict[str, dict[str, Getter]] = {
    "MoneyBag": {
        "presentmentMoney": lambda bag: (bag[0], bag[1].currency),
        "shopMoney": lambda bag: (bag[1].to_shop(bag[0]), bag[1].shop_currency),
    },
    "MoneyV2": {
        "amount": lambda money: money[0] if isinstance(money[0], str) else amount_text(*money),
        "currencyCode": lambda money: money[1],
    },
}

TYPES: Mapping[str, Mapping[str, Getter]] = {
    **MONEY,
    **fields_order.TYPES,
    **fields_sale.TYPES,
    **fields_shop.TYPES,
    "BulkOperation": {
        "id": attrgetter("gid"),
        "status": attrgetter("status"),
        "errorCode": attrgetter("error_code"),
        "type": always("QUERY"),
        "query": attrgetter("query"),
        "createdAt": lambda o: instant(o.created_at),
        "completedAt": lambda o: instant(o.completed_at),
        "objectCount": lambda o: str(o.object_count),
        "rootObjectCount": lambda o: str(o.root_object_count),
        "fileSize": nothing,
        "url": attrgetter("url"),
        "partialDataUrl": attrgetter("partial_data_url"),
    },
    **{
        name: {"bulkOperation": attrgetter("operation"), "userErrors": attrgetter("user_errors")}
        for name in ("BulkOperationRunQueryPayload", "BulkOperationCancelPayload")
    },
    "BulkOperationUserError": {field: attrgetter(field) for field in ("code", "field", "message")},
    "UserError": {field: attrgetter(field) for field in ("field", "message")},
}
