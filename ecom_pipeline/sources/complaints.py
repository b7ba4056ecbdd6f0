"""What service desks have in common: which tickets are complaints, and by which medium customers write."""

from __future__ import annotations

from collections.abc import Iterable

COMPLAINT_TAGS = (
    "complaint", "complaints", "damaged", "broken", "defect", "late", "lost", "wrong_item", "refund_request",
    "plainte", "réclamation", "reclamation", "cassé", "casse", "défaut", "retard", "perdu", "erreur",
)  # fmt: skip
MEDIA = {
    "email": "email",
    "mail": "email",
    "chat": "chat",
    "native_messaging": "chat",
    "messaging": "chat",
    "whatsapp": "chat",
    "sms": "chat",
    "voice": "phone",
    "phone": "phone",
    "aircall": "phone",
    "facebook": "social",
    "facebook-messenger": "social",
    "instagram": "social",
    "instagram-comment": "social",
    "instagram-direct-message": "social",
    "twitter": "social",
    "tiktok": "social",
    "web": "web",
    "web_form": "web",
    "contact_form": "web",
    "help-center": "web",
}


def is_complaint(tags: Iterable[str], complaint_tags: Iterable[str]) -> bool:
    """Whether a ticket bears one of the tags that make it a complaint; case and blanks around do not matter."""
    wanted = {tag.strip().lower() for tag in complaint_tags}
    return any(tag.strip().lower() in wanted for tag in tags)


def medium_of(channel: str) -> str:
    """email, chat, phone, social or web; anything else is other."""
    return MEDIA.get(channel.lower(), "other")
