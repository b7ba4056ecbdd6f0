"""An alert as Slack's incoming webhooks take it: a line for the notification and blocks to read."""

from __future__ import annotations

import json

from ecom_pipeline.delivery.alert import AlertWords

_MOST_OF_HEADER = 150  # Slack refuses longer ones
_MOST_OF_SECTION = 3000


def slack_body(words: AlertWords) -> bytes:
    """The JSON for Slack; nothing in the words can mention anybody or make a link."""
    lines = _escape("\n".join(f"• {line}" for line in words.lines))
    blocks: list[dict[str, object]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(words.title, _MOST_OF_HEADER)}}
    ]
    if lines:
        text = {"type": "mrkdwn", "text": _cut(lines, _MOST_OF_SECTION), "verbatim": True}
        blocks.append({"type": "section", "text": text})
    return json.dumps({"text": _escape(words.title), "blocks": blocks}, ensure_ascii=False).encode()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
