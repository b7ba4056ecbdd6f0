"""What the headers and error codes of Meta's Graph API mean: how much of the allowance is used, how long to wait,
what went wrong. Ads and Instagram share them.

A used-up allowance comes with status 400 or 403 and without Retry-After, so only the code tells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ecom_pipeline.errors import AuthenticationError
from ecom_pipeline.sources.failures import Failure, TooMuchAskedError, UnavailableError

THROTTLED = frozenset((4, 17, 32, 613, *range(80_000, 80_015)))
TIMED_OUT = frozenset(((100, 1_504_018), (2, 1_504_038), (100, 1_487_534)))
NO_ACCESS = frozenset((10, 102, 190, *range(200, 300)))
NEARLY_USED_UP = 95  # percent


def wait_for_access(status: int, headers: Mapping[str, str], body: Any, otherwise: float) -> float | None:
    """Seconds until Meta answers again, when it refused for that reason; `otherwise` when it does not say."""
    if status < 400 or _error(body).get("code") not in THROTTLED:
        return None
    usage = _told(headers, "X-Business-Use-Case-Usage")
    minutes = [
        one.get("estimated_time_to_regain_access")
        for uses in usage.values()
        if isinstance(uses, list)
        for one in uses
        if isinstance(one, dict)
    ]
    seconds = [60 * number for number in _numbers(minutes)]
    seconds += _numbers([_told(headers, "X-Ad-Account-Usage").get("reset_time_duration")])
    return max(seconds, default=0) or otherwise


def is_nearly_used_up(headers: Mapping[str, str]) -> bool:
    """Whether the allowance for reports is almost gone, so that the next request had better wait."""
    used = _told(headers, "x-fb-ads-insights-throttle")
    return max(_numbers([used.get("app_id_util_pct"), used.get("acc_id_util_pct")]), default=0) >= (
        NEARLY_USED_UP
    )


def recognized(status: int, body: Any) -> Failure | None:
    """The failure an error's code means, where the status does not tell it."""
    error = _error(body)
    code, subcode = error.get("code"), error.get("error_subcode")
    if (code, subcode) in TIMED_OUT:
        return Failure(TooMuchAskedError, explained(body), again=False, status=status)
    if code in NO_ACCESS:
        return Failure(AuthenticationError, explained(body), again=False, status=status)
    if error.get("is_transient") is True:
        return Failure(UnavailableError, explained(body), status=status)
    return None


def explained(body: Any) -> str:
    """Type and codes of an error; its message may name people and accounts and is left out."""
    error = _error(body)
    told = [str(error[name]) for name in ("type", "code", "error_subcode") if error.get(name) is not None]
    return " ".join(told)


def _error(body: Any) -> dict[str, Any]:
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _told(headers: Mapping[str, str], name: str) -> dict[str, Any]:
    """A header that holds a JSON object; empty when it is absent or something else."""
    try:
        told = json.loads(headers.get(name, ""))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _numbers(values: list[Any]) -> list[float]:
    return [float(one) for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
