"""Typeform's Responses API: the answers to one form, newest first, each page beginning before a given answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import SurveyAnswer
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World

FORM = "lTqX9z2a"
REF = "recommend"
MOST_A_PAGE = 1000
LAG = timedelta(minutes=30)  # the newest answers are not listed yet


def instances(world: World, url: str) -> list[Instance]:
    """The survey sent after delivery."""
    settings = {"form_id": FORM, "question_ref": REF, "base_url": f"{url}/typeform"}
    return [
        Instance("survey", "typeform", settings, {"access_token": world.secrets["typeform_access_token"]})
    ]


def routes(world: World) -> list[BaseRoute]:
    """Typeform's addresses in the sandbox."""
    return [
        route(
            world, Vendor("typeform", failure), "/typeform/forms/{form}/responses", Typeform(world).responses
        )
    ]


class Typeform:
    """One account."""

    def __init__(self, world: World) -> None:
        self.world = world

    def responses(self, call: Call) -> Answer:
        if call.headers.get("authorization") != f"Bearer {self.world.secrets['typeform_access_token']}":
            return failure("expired_token", 401)
        if self.world.lacks("typeform", "responses:read"):
            return Answer({"code": "AUTHENTICATION_FAILED", "description": "Missing scope"}, 403)
        if call.path_params["form"] != FORM:
            return Answer({"code": "FORM_NOT_FOUND", "description": "Form not found"}, 404)
        if self.world.throttled("typeform"):
            return failure("rate_limited", 429)
        asked = dict(call.query)
        if set(asked) - {"since", "until", "page_size", "before", "after", "completed", "fields"}:
            return Answer({"code": "VALIDATION_ERROR", "description": "unknown parameter"}, 400)
        seen = self.world.now() - LAG
        since = instant(asked.get("since"), datetime(2000, 1, 1, tzinfo=UTC))
        until = instant(asked.get("until"), seen)
        found = sorted(
            (one for one in self.world.shop.survey_answers if since <= one.at <= until and one.at <= seen),
            key=lambda one: (one.at, one.answer_id),
            reverse=True,
        )
        total, size = len(found), min(int(asked.get("page_size", "25")), MOST_A_PAGE)
        if "before" in asked:
            place = [one.answer_id for one in found].index(asked["before"])
            found = found[place + 1 :]
        body = {
            "total_items": total,
            "page_count": -(-total // size),
            "items": [response_json(one) for one in found[:size]],
        }
        return Answer(body, series="responses", continues="before" in asked)


def instant(text: str | None, default: datetime) -> datetime:
    """An instant of the query, in UTC."""
    return default if text is None else datetime.fromisoformat(text)


def response_json(answer: SurveyAnswer) -> dict[str, Any]:
    """A response with the words and traces clients must not keep."""
    return {
        "landing_id": answer.answer_id,
        "token": answer.answer_id,
        "landed_at": f"{answer.at - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}Z",
        "submitted_at": f"{answer.at:%Y-%m-%dT%H:%M:%S}Z",
        "metadata": {"user_agent": PERSONAL_CANARY},
        "hidden": {"email": PERSONAL_CANARY},
        "answers": [
            {"type": "number", "number": answer.score, "field": {"id": "a1", "ref": REF, "type": "nps"}},
            {
                "type": "text",
                "text": PERSONAL_CANARY,
                "field": {"id": "a2", "ref": "why", "type": "long_text"},
            },
        ],
    }


def failure(kind: FailureKind, status: int) -> Answer:
    """Failures in Typeform's words."""
    if kind == "rate_limited":
        return Answer({"code": "TOO_MANY_REQUESTS", "description": "Slow down"}, 429)
    if kind == "expired_token":
        return Answer({"code": "AUTHENTICATION_FAILED", "description": "Authentication failed"}, 401)
    return Answer({"code": "INTERNAL_ERROR", "description": "Sorry"}, status)
