"""PayPal's REST APIs: signing in, the transaction search and the list of disputes.

Transactions are found by the day they were begun, at most 31 days at a time, and appear three hours late. A payment,
a refund and a withdrawal are rows of their own, told apart by an event code; fees are negative. Whoever pays is in
other fields, which nobody here asks for.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import BalanceTransaction, Dispute
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, SECRET_CANARY, World, digest

LAG = timedelta(hours=3)
LONGEST = timedelta(days=31)
MOST_A_PAGE, MOST_DISPUTES = 500, 50
MOST_FOUND = 10_000
REMEMBERED = timedelta(days=180)
LIFETIME = timedelta(hours=9)
CODES = {"charge": "T0006", "refund": "T1107", "payout": "T0403", "adjustment": "T1201"}
REVERSAL = "T1202"  # a dispute decided for the shop gives the money back
PARTS = (
    "transaction_info",
    "payer_info",
    "shipping_info",
    "cart_info",
    "auction_info",
    "incentive_info",
    "store_info",
)
ARGUMENTS = {
    "transactions": ("start_date", "end_date", "fields", "page", "page_size", "balance_affecting_records_only",
                     "transaction_status", "transaction_id", "transaction_currency"),
    "disputes": ("update_time_after", "update_time_before", "start_time", "page_size", "next_page_token", "dispute_state"),
}  # fmt: skip


class Refused(Exception):
    """The request is answered with one of PayPal's errors."""

    def __init__(self, status: int, name: str, message: str, issue: str = "") -> None:
        super().__init__(message)
        self.answer = error_answer(status, name, message, issue)


def instances(world: World, url: str) -> list[Instance]:
    """The business's account, read by an app of its own."""
    if "paypal" not in world.shop.business.processors:
        return []
    secrets = {name: world.secrets[f"paypal_{name}"] for name in ("client_id", "client_secret")}
    return [Instance("paypal", "paypal", {"base_url": f"{url}/paypal"}, secrets)]


def routes(world: World) -> list[BaseRoute]:
    """PayPal's addresses in the sandbox."""
    api = PayPal(world)
    vendor = Vendor("paypal", failure)
    return [
        route(world, vendor, "/paypal/v1/oauth2/token", api.token, ("POST",)),
        route(world, vendor, "/paypal/v1/reporting/transactions", api.guarded("reporting", api.transactions)),
        route(world, vendor, "/paypal/v1/customer/disputes", api.guarded("disputes", api.disputes)),
    ]


class PayPal:
    """One merchant's account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tokens: dict[str, datetime] = {}

    def token(self, call: Call) -> Answer:
        secrets = self.world.secrets
        pair = f"{secrets['paypal_client_id']}:{secrets['paypal_client_secret']}"
        if call.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
            words = "Client Authentication failed"
            return Answer({"error": "invalid_client", "error_description": words}, 401)
        if call.form() != {"grant_type": "client_credentials"}:
            return Answer(
                {"error": "unsupported_grant_type", "error_description": "unsupported grant_type"}, 400
            )
        name = digest(self.world.shop.seed, "paypal", len(self.tokens), self.world.now())
        token = f"A21AA{SECRET_CANARY}-{name[:40]}"
        self.tokens[token] = self.world.now() + LIFETIME
        return Answer(
            {"access_token": token, "token_type": "Bearer", "expires_in": int(LIFETIME.total_seconds())}
        )

    def guarded(self, right: str, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            token = call.headers.get("authorization", "").removeprefix("Bearer ")
            until = self.tokens.get(token)
            if until is None or until <= self.world.now():
                return failure("expired_token", 401)
            if self.world.lacks("paypal", right):
                words = "Authorization failed due to insufficient permissions."
                return error_answer(403, "NOT_AUTHORIZED", words, "PERMISSION_DENIED")
            if self.world.throttled("paypal"):
                return failure("rate_limited", 429)
            try:
                return handler(call)
            except Refused as refused:
                return refused.answer

        return answer

    def transactions(self, call: Call) -> Answer:
        asked = arguments(call, "transactions")
        start, end = instant(asked, "start_date"), instant(asked, "end_date")
        if end - start > LONGEST:
            raise Refused(400, "INVALID_REQUEST", "Date range is greater than 31 days", "DATE_RANGE")
        parts = asked.get("fields", "transaction_info").split(",")
        if any(part not in PARTS for part in parts):
            raise Refused(400, "INVALID_REQUEST", "Invalid fields", "FIELDS")
        size, number = whole(asked, "page_size", 100, MOST_A_PAGE), whole(asked, "page", 1, None)
        seen = self.world.now() - LAG
        found = [
            txn
            for txn in self.world.shop.balance_transactions
            if txn.processor == "paypal"
            and start <= txn.created_at.replace(microsecond=0) <= end
            and txn.created_at <= seen
        ]
        if len(found) > MOST_FOUND:
            words = (
                "Result set size is greater than the maximum limit. Change the filter criteria and try again."
            )
            raise Refused(400, "RESULTSET_TOO_LARGE", words)
        pages = max(1, -(-len(found) // size))
        page = [self._transaction(txn, parts) for txn in found[(number - 1) * size : number * size]]
        body = {
            "transaction_details": page,
            "account_number": "MERCHANT1234",
            "start_date": written(start),
            "end_date": written(end),
            "last_refreshed_datetime": written(seen),
            "page": number,
            "total_items": len(found),
            "total_pages": pages,
            "links": [],
        }
        series = "&".join(f"{name}={value}" for name, value in call.query if name != "page")
        return Answer(body, series=series, continues=number > 1)

    def _transaction(self, txn: BalanceTransaction, parts: list[str]) -> dict[str, Any]:
        code = REVERSAL if txn.reporting_category == "dispute_reversal" else CODES[txn.kind]
        charge = None if txn.kind == "charge" else self._charge_of(txn)
        info: dict[str, Any] = {
            "paypal_account_id": PERSONAL_CANARY,
            "transaction_id": transaction_id(txn),
            "transaction_event_code": code,
            "transaction_initiation_date": written(txn.created_at),
            "transaction_updated_date": written(txn.created_at),
            "transaction_amount": amount(txn.amount),
            "transaction_status": "S",
            "transaction_subject": PERSONAL_CANARY,
            "protection_eligibility": "01",
        }
        if txn.fee:
            info["fee_amount"] = amount(-txn.fee)
        if txn.kind == "charge":
            info["invoice_id"] = str(txn.order_id)
        elif charge is not None:
            info |= {"paypal_reference_id": charge, "paypal_reference_id_type": "TXN"}
        told: dict[str, Any] = {"transaction_info": info}
        if "payer_info" in parts:
            told["payer_info"] = {"email_address": PERSONAL_CANARY}
        return told

    def _charge_of(self, txn: BalanceTransaction) -> str | None:
        shop = self.world.shop
        refunds = (one.charge_id for one in shop.card_refunds if one.refund_id == txn.source_id)
        disputes = (one.charge_id for one in shop.disputes if one.dispute_id == txn.source_id)
        return next(refunds, None) or next(disputes, None)

    def disputes(self, call: Call) -> Answer:
        asked, now = arguments(call, "disputes"), self.world.now()
        size = whole(asked, "page_size", 10, MOST_DISPUTES)
        found = sorted(
            (
                dispute
                for dispute in self.world.shop.disputes
                if dispute.processor == "paypal" and dispute.created_at <= now
            ),
            key=lambda dispute: (updated_at(dispute, now), dispute.dispute_id),
            reverse=True,
        )
        after = instant(asked, "update_time_after") if "update_time_after" in asked else None
        before = instant(asked, "update_time_before") if "update_time_before" in asked else None
        for bound in (after, before):
            if bound is not None and bound < now - REMEMBERED:
                raise Refused(
                    400, "INVALID_REQUEST", "The time must be within 180 days", "INVALID_UPDATE_TIME"
                )
        found = [
            one
            for one in found
            if (after is None or updated_at(one, now) >= after)
            and (before is None or updated_at(one, now) <= before)
        ]
        start = int(asked["next_page_token"]) if asked.get("next_page_token", "").isdigit() else 0
        links = [{"href": call.url, "rel": "self", "method": "GET"}]
        if start + size < len(found):
            query = "&".join(f"{name}={value}" for name, value in call.query if name != "next_page_token")
            href = f"{call.url}?{query}&next_page_token={start + size}"
            links.append({"href": href, "rel": "next", "method": "GET"})
        items = [dispute_json(one, now) for one in found[start : start + size]]
        return Answer({"items": items, "links": links}, series=call.path, continues=start > 0)


def transaction_id(txn: BalanceTransaction) -> str:
    """A payment is named by itself; both movements of a dispute have names of their own."""
    return txn.txn_id if txn.kind == "adjustment" else txn.source_id


def updated_at(dispute: Dispute, now: datetime) -> datetime:
    closed = dispute.closed_at is not None and dispute.closed_at <= now
    return dispute.closed_at if closed and dispute.closed_at is not None else dispute.created_at


def dispute_json(dispute: Dispute, now: datetime) -> dict[str, Any]:
    """A dispute as it stands."""
    closed = dispute.closed_at is not None and dispute.closed_at <= now
    told = {
        "dispute_id": dispute.dispute_id,
        "create_time": written(dispute.created_at),
        "update_time": written(updated_at(dispute, now)),
        "disputed_transactions": [{"seller_transaction_id": dispute.charge_id}],
        "reason": dispute.reason.upper(),
        "status": "RESOLVED" if closed else "UNDER_REVIEW",
        "dispute_state": "RESOLVED" if closed else "UNDER_PAYPAL_REVIEW",
        "dispute_amount": {"currency_code": dispute.currency, "value": decimal(dispute.amount)},
    }
    return told | (
        {"dispute_outcome": "RESOLVED_SELLER_FAVOUR" if dispute.won else "RESOLVED_BUYER_FAVOUR"}
        if closed
        else {}
    )


def arguments(call: Call, resource: str) -> dict[str, str]:
    asked = dict(call.query)
    if unknown := sorted(set(asked) - set(ARGUMENTS[resource])):
        raise Refused(400, "INVALID_REQUEST", f"Unknown parameter {unknown[0]}", "INVALID_PARAMETER")
    return asked


def instant(asked: dict[str, str], name: str) -> datetime:
    try:
        found = datetime.fromisoformat(asked[name])
    except (KeyError, ValueError):
        raise Refused(400, "INVALID_REQUEST", f"{name} is missing or malformed", "INVALID_DATE") from None
    if found.tzinfo is None:
        raise Refused(400, "INVALID_REQUEST", f"{name} needs an offset", "INVALID_DATE")
    return found.astimezone(UTC)


def whole(asked: dict[str, str], name: str, default: int, most: int | None) -> int:
    text = asked.get(name, str(default))
    if not text.isdigit() or int(text) < 1 or (most is not None and int(text) > most):
        raise Refused(400, "INVALID_REQUEST", f"{name} is out of range", "INVALID_PARAMETER")
    return int(text)


def amount(cents: int) -> dict[str, str]:
    return {"currency_code": "EUR", "value": decimal(cents)}


def decimal(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def error_answer(status: int, name: str, message: str, issue: str = "") -> Answer:
    body: dict[str, Any] = {"name": name, "message": message, "debug_id": "0f2c5d1a"}
    return Answer(body | ({"details": [{"issue": issue}]} if issue else {}), status)


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        return error_answer(429, "RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting.")
    if kind == "expired_token":
        return Answer({"error": "invalid_token", "error_description": "Access Token not found in cache"}, 401)
    return error_answer(status, "INTERNAL_SERVICE_ERROR", "An internal service error has occurred")
