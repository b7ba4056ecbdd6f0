"""Speaks GraphQL with Shopify: its errors inside a success, its cost points, its pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sources.failures import RefusedError, UnavailableError
from ecom_pipeline.sources.http import HttpClient
from ecom_pipeline.sources.pagination import by_cursor
from ecom_pipeline.sources.shopify.queries import MOST_PER_PAGE, MOST_POINTS, Stream

T = TypeVar("T")
TRANSIENT = frozenset(("INTERNAL_SERVER_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"))
VERSION_HEADER = "X-Shopify-API-Version"


class CostExceededError(SourceError):
    """A single query asks for more points than any query may."""


class GraphqlClient:
    """Runs queries of one API version through the shared HTTP client.

    `version_told` is the API version that really answered, once something has.
    """

    def __init__(self, connect: Callable[..., HttpClient], api_version: str) -> None:
        self._path = f"/admin/api/{api_version}/graphql.json"
        self.version_told: str | None = None
        self.http = connect(throttle=self._throttle, explain=explained)

    def run(self, query: str, variables: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """The answer's data."""
        return self._answer(query, variables)["data"]  # type: ignore[no-any-return]

    def pages(self, stream: Stream, filter_text: str | None) -> Iterator[Any]:
        """Every node of the stream in pages, as large as the vendor's price for them allows."""
        size = stream.page_size

        def page(cursor: str | None) -> tuple[Sequence[Any], str | None]:
            nonlocal size
            while True:
                asked = {"filter": filter_text, "first": size, "after": cursor}
                try:
                    answer = self._answer(stream.paged_query, asked)
                    break
                except CostExceededError:
                    if size == 1:
                        raise
                    size = max(1, size // 2)
            size = fitting_size(size, answer)
            return self.shaped(lambda: page_of(answer["data"][stream.root]))

        return by_cursor(page, self.http.subject)

    def shaped(self, read: Callable[[], T]) -> T:
        """What `read` gets out of an answer; a field missing or of another type is a named error.

        Raises:
            SchemaError: quotes field names only, never a value.
        """
        try:
            return read()
        except KeyError as error:
            why = f"The field {error.args[0]} is missing or holds something unknown."
        except (TypeError, AttributeError, ValueError) as error:
            why = f"A field bears another type than documented ({type(error).__name__})."
        raise self.http.error(
            SchemaError,
            "Shopify's answer has another shape than expected.",
            why=why,
            mend="Set the API version in the settings to one this product knows (2026-10).",
        )

    def _answer(self, query: str, variables: Mapping[str, Any] | None) -> Any:
        patience = self.http.patience
        for attempt in range(1, patience.attempts + 1):
            answer = self.http.post_json(self._path, {"query": query, "variables": variables or {}})
            if not isinstance(answer, dict):
                raise self.http.error(SchemaError, "Shopify's answer is no GraphQL answer.")
            codes = [code_of(error) for error in answer.get("errors") or []]
            if not TRANSIENT.intersection(codes):
                break
            if attempt == patience.attempts:
                raise self._error(UnavailableError, answer["errors"], "Run this window again later.")
            self.http.pause(patience.backoff(attempt))
        if codes:
            self._refuse(answer["errors"], codes)
        if not isinstance(answer.get("data"), dict):
            raise self.http.error(RefusedError, "Shopify's answer holds neither data nor an error.")
        self._refuse_ignored_filter(answer)
        return answer

    def _refuse(self, errors: Sequence[Any], codes: Sequence[str]) -> None:
        if "MAX_COST_EXCEEDED" in codes:
            raise self._error(CostExceededError, errors, "Report this: a query here costs too much.")
        if "ACCESS_DENIED" in codes:
            raise self._error(AuthenticationError, errors, self.http.credentials)
        raise self._error(
            RefusedError, errors, "If the API version in the settings is not a supported one, change it."
        )

    def _error(self, kind: type[SourceError], errors: Sequence[Any], mend: str) -> SourceError:
        why = "; ".join(f"{code_of(error)}: {str(error.get('message', ''))[:200]}" for error in errors[:3])
        return self.http.error(kind, "Shopify refuses the query.", why=why, mend=mend)

    def _refuse_ignored_filter(self, answer: Any) -> None:
        """A search term Shopify does not know is dropped with a warning, and everything is returned."""
        for entry in (answer.get("extensions") or {}).get("search") or []:
            if entry.get("warnings"):
                fields = ", ".join(sorted({str(w.get("field")) for w in entry["warnings"]}))
                raise self.http.error(
                    RefusedError,
                    "Shopify ignores part of the filter.",
                    why=f"Search terms not understood: {fields}.",
                    mend="Set a supported API version in the settings.",
                )

    def _throttle(self, status: int, headers: Mapping[str, str], body: Any) -> float | None:
        """Seconds until the bucket holds what the query needs; None when it was not throttled."""
        self.version_told = headers.get(VERSION_HEADER, self.version_told)
        errors = body.get("errors") if isinstance(body, dict) else None
        if not isinstance(errors, list) or "THROTTLED" not in map(code_of, errors):
            return None
        try:
            cost = body["extensions"]["cost"]
            bucket = cost["throttleStatus"]
            missing = float(cost["requestedQueryCost"]) - float(bucket["currentlyAvailable"])
            return missing / float(bucket["restoreRate"])
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            # Without the bucket's state a 429 is left to Retry-After and the general backoff.
            return 1.0 if status == 200 else None


def page_of(found: Mapping[str, Any]) -> tuple[Sequence[Any], str | None]:
    """A connection's nodes and the cursor of its next page."""
    info = found["pageInfo"]
    return found["nodes"], info["endCursor"] if info["hasNextPage"] else None


def fitting_size(size: int, answer: Any) -> int:
    """A page size that uses nine tenths of what one query may cost, at the price just charged."""
    try:
        cost = answer["extensions"]["cost"]
        charged = float(cost["requestedQueryCost"])
        most = min(MOST_POINTS, float(cost["throttleStatus"]["maximumAvailable"]))
    except (KeyError, TypeError, ValueError):
        return size
    return max(1, min(MOST_PER_PAGE, int(size * 0.9 * most / charged))) if charged > 0 else size


def granted_scopes(answer: Mapping[str, Any]) -> frozenset[str]:
    """The token's scopes in the answer to CHECK; the right to write something includes reading it."""
    handles = {str(scope["handle"]) for scope in answer["currentAppInstallation"]["accessScopes"]}
    return frozenset(handles | {handle.replace("write_", "read_", 1) for handle in handles})


def code_of(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return str((extensions or {}).get("code", "ERROR"))


def explained(body: Any) -> str:
    """What an error body says: a text, or the list of GraphQL errors."""
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, str):
        return errors
    if isinstance(errors, list):
        return "; ".join(f"{code_of(e)}: {e.get('message', '')}" for e in errors if isinstance(e, dict))
    return ""
