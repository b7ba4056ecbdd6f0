"""What service desks have in common: which tickets are complaints."""

from __future__ import annotations

from collections.abc import Iterable

COMPLAINT_TAGS = (
    "complaint", "complaints", "damaged", "broken", "defect", "late", "lost", "wrong_item", "refund_request",
    "plainte", "réclamation", "reclamation", "cassé", "casse", "défaut", "retard", "perdu", "erreur",
)  # fmt: skip


def is_complaint(tags: Iterable[str], complaint_tags: Iterable[str]) -> bool:
    """Whether a ticket bears one of the tags that make it a complaint; case and blanks around do not matter."""
    wanted = {tag.strip().lower() for tag in complaint_tags}
    return any(tag.strip().lower() in wanted for tag in tags)
