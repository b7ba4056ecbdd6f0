"""What customers say and ask: tickets, ratings, reviews, surveys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ecom_pipeline.sandbox.events.commerce import Product


@dataclass(frozen=True)
class Ticket:
    """A customer's request to one of the service desks."""

    ticket_id: int
    desk: Literal["zendesk", "gorgias"]
    created_at: datetime
    channel: Literal["email", "chat", "phone", "social", "web"]
    tags: tuple[str, ...]
    is_complaint: bool
    order_id: int | None
    email: str | None
    first_reply_at: datetime | None
    solved_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class Rating:
    """A customer's answer to "how was our service?"."""

    rating_id: int
    desk: Literal["zendesk", "gorgias"]
    ticket_id: int
    at: datetime
    score: int  # 1 to 5; good from 4


@dataclass(frozen=True)
class Review:
    """Stars for the shop (`product` is None) or for an article."""

    review_id: int
    platform: Literal["judgeme", "trustpilot", "woocommerce"]
    created_at: datetime
    updated_at: datetime
    stars: int  # 1 to 5
    product: Product | None
    order_id: int | None
    verified: bool
    removed_at: datetime | None


@dataclass(frozen=True)
class SurveyAnswer:
    """How likely somebody is to recommend the shop."""

    answer_id: str
    at: datetime
    score: int  # 0 to 10
    order_id: int | None
    comment: str
