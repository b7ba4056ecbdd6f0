"""How patient the product is with a vendor that fails, and how long it waits between attempts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SHORTEST_WAIT = 0.1  # a throttle that asks for no wait at all must not become a busy loop


@dataclass(frozen=True)
class Patience:
    """Limits of one request, in seconds. Waits asked for by the vendor count in `total_wait` only."""

    attempts: int = 6
    first_wait: float = 1.0
    longest_wait: float = 60.0
    total_wait: float = 900.0
    connect_timeout: float = 10.0
    read_timeout: float = 120.0
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def backoff(self, failures: int) -> float:
        """Exponential with full jitter: any wait up to a span that doubles with each failure."""
        span: float = self.first_wait * 2.0 ** (failures - 1)
        return self.random() * min(self.longest_wait, span)

    def asked_for(self, retry_after: str | None) -> float | None:
        """Seconds a Retry-After header asks for, given as seconds or as a date; None when it says nothing."""
        if retry_after is None:
            return None
        try:
            return max(float(retry_after), SHORTEST_WAIT)
        except ValueError:
            pass
        try:
            moment = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max((moment - self.now()).total_seconds(), SHORTEST_WAIT)


@dataclass
class Usage:
    """What reading cost: metadata of a run."""

    requests: int = 0
    retries: int = 0
    seconds_waited: float = 0.0
