"""Plain text that reads well everywhere: 72 columns where lines are shown as they come, the window's width elsewhere.

`format=flowed` (RFC 3676): a line that ends with a space goes on in the next one, so phones and screen readers join
what terminals show as lines.
"""

from __future__ import annotations

import textwrap

COLUMNS = 72
_NEEDS_STUFFING = (" ", ">", "From ")


def flow_text(text: str) -> str:
    """The text, one paragraph a line, as lines of at most 72 columns; a longer word stays whole."""
    return "".join(
        f"{line}\n" for paragraph in text.removesuffix("\n").split("\n") for line in _flow(paragraph)
    )


def _flow(paragraph: str) -> list[str]:
    lines = textwrap.wrap(
        # A paragraph's own blank at its end would join it with the next one.
        paragraph.rstrip(" "),
        COLUMNS - 1,
        break_long_words=False,
        break_on_hyphens=False,
    )
    stuffed = [f" {line}" if line.startswith(_NEEDS_STUFFING) else line for line in lines or [""]]
    return [*(f"{line} " for line in stuffed[:-1]), stuffed[-1]]
