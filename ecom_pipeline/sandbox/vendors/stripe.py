"""Stripe's REST API, version 1, read side: lists, single objects, account and balance.

Lists come newest first and are paged by object id. Every answer is as of the world's clock.
"""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.stripe_lists import (
    Refused,
    Resource,
    error_answer,
    first,
    matching,
    parameters,
    resources,
)
from ecom_pipeline.sandbox.vendors.stripe_objects import Json, StripeObjects
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World, digest

VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?")


def instances(world: World, url: str) -> list[Instance]:
    """The account of the whole business."""
    return [
        Instance(
            "stripe", "stripe", {"base_url": f"{url}/stripe"}, {"api_key": world.secrets["stripe_api_key"]}
        )
    ]


def routes(world: World) -> list[BaseRoute]:
    """Stripe's addresses in the sandbox."""
    api = StripeApi(world)
    vendor = Vendor("stripe", failure)
    found: list[BaseRoute] = [
        route(world, vendor, "/stripe/v1/account", api.guarded(api.account, "rak_account_read")),
        route(world, vendor, "/stripe/v1/balance", api.guarded(api.balance, "rak_balance_read")),
    ]
    for resource in api.resources.values():
        path = f"/stripe/v1/{resource.name}"
        found.append(route(world, vendor, path, api.guarded(api.lister(resource), resource.right)))
        found.append(route(world, vendor, path + "/{id}", api.guarded(api.getter(resource), resource.right)))
    found.append(route(world, vendor, "/stripe/{rest:path}", api.guarded(unknown_path, ""), ("GET", "POST")))
    return found


class StripeApi:
    """One Stripe account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.objects = StripeObjects(world.shop)
        self.resources = {resource.name: resource for resource in resources(self.objects)}
        self.positions = {
            resource.name: {resource.event_id(event): at for at, event in enumerate(resource.events)}
            for resource in self.resources.values()
        }

    def guarded(self, handler: Callable[[Call], Json | Answer], right: str) -> Callable[[Call], Answer]:
        """The handler behind authentication, permissions and Stripe's error bodies."""

        def answer(call: Call) -> Answer:
            try:
                self.authenticate(call, right)
                body = handler(call)
            except Refused as refused:
                return with_request_id(refused.answer, call)
            return with_request_id(body if isinstance(body, Answer) else Answer(body), call)

        return answer

    def authenticate(self, call: Call, right: str) -> None:
        key = presented_key(call.headers.get("authorization", ""))
        if not key:
            raise Refused(401, "No API key was given: use Authorization: Bearer YOUR_KEY.")
        if key != self.world.secrets["stripe_api_key"]:
            raise Refused(401, f"Invalid API Key provided: {key[:8]}{'*' * 12}{key[-4:]}")
        version = call.headers.get("stripe-version")
        if version is not None and not VERSION.fullmatch(version):
            raise Refused(400, f"Invalid Stripe API version: {version}")
        if self.world.lacks("stripe", right):
            raise Refused(
                403,
                f"The provided key '{key[:8]}{'*' * 12}' lacks the permission '{right}' "
                f"on account '{self.world.accounts['stripe_account']}'.",
                "more_permissions_required",
            )

    def lister(self, resource: Resource) -> Callable[[Call], Answer]:
        return lambda call: self.list(resource, call)

    def getter(self, resource: Resource) -> Callable[[Call], Json]:
        def get(call: Call) -> Json:
            found = self.find(call.path_params["id"])
            if found is None or found["object"] != resource.singular:
                message = f"No such {resource.singular}: '{call.path_params['id']}'"
                raise Refused(404, message, "resource_missing", "id")
            return found

        return get

    def find(self, object_id: str) -> Json | None:
        now = self.world.now()
        for resource in self.resources.values():
            at = self.positions[resource.name].get(object_id)
            if at is not None and resource.events[at].created_at <= now:
                return resource.render(resource.events[at], now)
        return None

    def list(self, resource: Resource, call: Call) -> Answer:
        asked = parameters(resource, call.query)
        now, events = self.world.now(), resource.events
        known = bisect_right(events, now, key=lambda event: event.created_at)
        after, before = asked.get("starting_after"), asked.get("ending_before")
        if after and before:
            raise Refused(400, "Use either starting_after or ending_before, not both.")
        if before:
            candidates = events[self.position(resource, before, "ending_before", known) + 1 : known]
        else:
            end = self.position(resource, after, "starting_after", known) if after else known
            candidates = events[:end][::-1] if end else []
        limit = int(asked.get("limit", 10))
        found = first(matching(resource, candidates, asked, now), limit + 1)
        page = found[:limit]
        if before:
            page.reverse()
        data = [self.expanded(resource.render(event, now), asked.get("expand", ())) for event in page]
        body = {"object": "list", "data": data, "has_more": len(found) > limit, "url": f"/v1/{resource.name}"}
        return Answer(body, series=resource.name, continues=bool(after or before))

    def position(self, resource: Resource, object_id: str, param: str, known: int) -> int:
        at = self.positions[resource.name].get(object_id)
        if at is None or at >= known:
            raise Refused(400, f"No such {resource.singular}: '{object_id}'", "resource_missing", param)
        return at

    def expanded(self, body: Json, fields: Iterable[str]) -> Json:
        for name in fields:
            field = name.removeprefix("data.")
            body[field] = self.find(body[field]) if body[field] else None
        return body

    def account(self, call: Call) -> Json:
        shop = self.world.shop
        return {
            "id": self.world.accounts["stripe_account"],
            "object": "account",
            "business_profile": {"mcc": "5977", "name": shop.name, "url": f"https://{shop.domain}"},
            "business_type": "company",
            "capabilities": {"card_payments": "active", "transfers": "active"},
            "charges_enabled": True,
            "country": "FR",
            "default_currency": shop.currency.lower(),
            "details_submitted": True,
            "email": f"{PERSONAL_CANARY}@{shop.domain}",
            "payouts_enabled": True,
            "settings": {
                "dashboard": {"display_name": shop.name, "timezone": shop.time_zone},
                "payouts": {
                    "debit_negative_balances": True,
                    "schedule": {"delay_days": 7, "interval": "daily"},
                    "statement_descriptor": None,
                },
            },
            "type": "standard",
        }

    def balance(self, call: Call) -> Json:
        now, currency = self.world.now(), self.world.shop.currency.lower()
        available = pending = 0
        for transaction in self.resources["balance_transactions"].events:
            if transaction.created_at > now:
                break
            if transaction.available_at <= now:
                available += transaction.net
            else:
                pending += transaction.net

        def amounts(amount: int) -> list[Json]:
            return [{"amount": amount, "currency": currency, "source_types": {"card": amount}}]

        return {
            "object": "balance",
            "available": amounts(available),
            "connect_reserved": [{"amount": 0, "currency": currency}],
            "livemode": False,
            "pending": amounts(pending),
        }


def presented_key(header: str) -> str:
    """The API key of an Authorization header, Bearer or Basic; empty when there is none."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def unknown_path(call: Call) -> Json:
    path = call.path.removeprefix("/stripe")
    raise Refused(404, f"Unrecognized request URL ({call.method}: {path}).")


def with_request_id(answer: Answer, call: Call) -> Answer:
    headers = {**answer.headers, "Request-Id": "req_" + digest(0, call.path, call.query)[:14]}
    if version := call.headers.get("stripe-version"):
        headers["Stripe-Version"] = version
    return replace(answer, headers=headers)


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        answer = error_answer(429, "invalid_request_error", "Request rate limit exceeded.", "rate_limit")
        return replace(answer, headers={"Stripe-Rate-Limited-Reason": "global-rate"})
    if kind == "expired_token":
        return error_answer(401, "invalid_request_error", "Expired API Key provided.", "api_key_expired")
    return error_answer(status, "api_error", "Something went wrong on our side.")
