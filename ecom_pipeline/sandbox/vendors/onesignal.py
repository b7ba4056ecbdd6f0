"""OneSignal's API: the app with how many devices it reaches, and the messages sent to them.

The app is told to a key of the organisation, with the credentials of Apple and Google; messages to a key of
the app. Messages are listed newest first by offset, or oldest first from an instant on (`time_offset`).
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import Consent, Message, settled_share
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World, digest

MOST_ON_A_PAGE = 50
PARAMETERS = ("app_id", "limit", "offset", "kind", "template_id", "time_offset")
ACCESS_DENIED = "Access denied. Please include an 'Authorization: ...' header with a valid API key"


def app_id(world: World) -> str:
    return str(uuid.UUID(digest(world.shop.seed, "onesignal_app")[:32], version=4))


def instances(world: World, url: str) -> list[Instance]:
    """The app whose pushes the shop sends."""
    secrets = {
        "api_key": world.secrets["onesignal_api_key"],
        "organization_api_key": world.secrets["onesignal_organization_api_key"],
    }
    settings = {"app_id": app_id(world), "base_url": f"{url}/onesignal"}
    return [Instance("push", "onesignal", settings, secrets)]


def routes(world: World) -> list[BaseRoute]:
    api = OneSignal(world)
    vendor = Vendor("onesignal", failure)
    view_app = api.guarded("onesignal_organization_api_key", api.view_app)
    view_messages = api.guarded("onesignal_api_key", api.view_messages)
    return [
        route(world, vendor, "/onesignal/apps/{id}", view_app),
        route(world, vendor, "/onesignal/notifications", view_messages),
    ]


class OneSignal:
    """One app."""

    def __init__(self, world: World) -> None:
        self.world = world

    def guarded(self, key: str, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            if call.headers.get("authorization") != f"Key {self.world.secrets[key]}":
                return errors(403, ACCESS_DENIED)
            return handler(call)

        return answer

    def view_app(self, call: Call) -> Answer:
        world = self.world
        if call.path_params["id"] != app_id(world):
            return errors(404, "App not found")
        devices = last_words(world.shop.consents, world.now())
        return Answer(
            {
                "id": app_id(world),
                "name": f"{world.shop.name} app",
                "players": len(devices),
                "messageable_players": sum(consent.given for consent in devices.values()),
                "created_at": "2025-01-07T09:12:44.000Z",
                "updated_at": "2026-01-07T09:12:44.000Z",
                "organization_id": digest(world.shop.seed, "onesignal_organization")[:32],
                "fcm_v1_service_account_json": world.secrets["onesignal_fcm_account"],
                "apns_env": "production",
                "apns_p8": world.secrets["onesignal_apns_key"],
                "site_name": None,
            }
        )

    def view_messages(self, call: Call) -> Answer:
        asked = dict(call.query)
        unknown = [name for name in asked if name not in PARAMETERS]
        limit, offset = asked.get("limit", str(MOST_ON_A_PAGE)), asked.get("offset", "0")
        if unknown or not limit.isdigit() or not offset.isdigit():
            return errors(400, f"{(unknown or ['limit or offset'])[0]} is not valid")
        if asked.get("app_id") != app_id(self.world):
            return errors(
                400, "app_id not found. You may be missing a Content-Type: application/json header."
            )
        size = min(int(limit), MOST_ON_A_PAGE)
        sent = sorted(self.seen(asked.get("kind")), key=lambda one: (one.sent_at, one.message_id))
        if "time_offset" not in asked:
            found = sent[::-1][int(offset) : int(offset) + size]
            counted = {"total_count": len(sent), "offset": int(offset), "limit": size}
            return self.page(counted, found, continues=int(offset) > 0)
        if "offset" in asked:
            return errors(400, "time_offset cannot be used with offset")
        try:
            after = time_offset(asked["time_offset"])
        except ValueError:
            return errors(400, "time_offset is not valid")
        found = [one for one in sent if (one.sent_at, one.message_id) > after][:size]
        token = asked["time_offset"] if not found else token_of(found[-1])
        listed: dict[str, Any] = {"total_count": len(sent), "limit": size, "next_time_offset": token}
        return self.page(listed, found, continues=not asked["time_offset"].startswith("2"))

    def page(self, listed: dict[str, Any], found: list[Message], *, continues: bool) -> Answer:
        body = listed | {"notifications": [self.message_json(one) for one in found]}
        return Answer(body, series="notifications", continues=continues)

    def seen(self, kind: str | None) -> list[Message]:
        """What was sent by now, from the dashboard (kind 0)."""
        if kind not in (None, "0"):
            return []
        now = self.world.now()
        return [one for one in self.world.shop.messages if one.tool == "onesignal" and one.sent_at <= now]

    def message_json(self, message: Message) -> dict[str, Any]:
        days_after = (self.world.now() - message.sent_at).days
        clicked = int(message.clicks * settled_share(days_after))
        sent_at = int(message.sent_at.timestamp())
        failed = message.bounced * 2 // 3
        figures = {
            "successful": message.delivered,
            "failed": failed,
            "errored": message.bounced - failed,
            "converted": clicked,
            "received": message.delivered,
        }
        return {
            "app_id": app_id(self.world),
            "id": message.message_id,
            "name": message.name,
            "headings": {"en": "Maison Lumen"},
            "contents": {"en": f"{PERSONAL_CANARY} Jeanne, votre panier vous attend"},
            "canceled": False,
            "remaining": 0,
            "queued_at": sent_at - 30,
            "send_after": sent_at,
            "completed_at": sent_at + 45,
            "included_segments": ["Subscribed Users"],
            "filters": None,
            "template_id": None,
            "url": None,
            "platform_delivery_stats": {"android": figures},
            **figures,
        }


def last_words(consents: list[Consent], now: datetime) -> dict[str, Consent]:
    """The last decision about pushes of each device that ever had the app."""
    return {one.person_id: one for one in consents if one.channel == "push" and one.at <= now}


def time_offset(text: str) -> tuple[datetime, str]:
    """After which message a page begins; an instant leaves out what was sent at that very instant.

    Raises ValueError.
    """
    if text.startswith("2"):
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)), "~"
    at_text, _, message_id = base64.b64decode(text, validate=True).decode().partition("#")
    return datetime.fromisoformat(at_text), message_id


def token_of(message: Message) -> str:
    return base64.b64encode(f"{message.sent_at.isoformat()}#{message.message_id}".encode()).decode()


def errors(status: int, *messages: str) -> Answer:
    return Answer({"errors": list(messages)}, status)


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        return Answer({"errors": ["API rate limit exceeded."]}, 429, headers={"Retry-After": "1"})
    if kind == "expired_token":
        return errors(status, ACCESS_DENIED)
    return errors(status, "Service temporarily unavailable")
