"""Bulk operations: Shopify runs the query at its leisure and offers the result as a file of JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sources.failures import RefusedError, TruncatedAnswerError
from ecom_pipeline.sources.shopify.graphql import GraphqlClient
from ecom_pipeline.sources.shopify.queries import CANCEL_BULK, POLL_BULK, START_BULK
from ecom_pipeline.sources.shopify.rows import Agreement

FIRST_POLL = 0.25
LONGEST_POLL = 10.0
LONGEST_OPERATION = 4 * 3600.0
BUSY = frozenset(("OPERATION_IN_PROGRESS", "LIMIT_REACHED"))
ENDED = {
    "FAILED": "it failed at Shopify",
    "EXPIRED": "its result is no longer kept",
    "CANCELED": "it was cancelled",
    "CANCELING": "it is being cancelled",
}


class BulkOperationError(SourceError):
    """A bulk operation ended without a result: failed, expired, cancelled, or never finished."""


@dataclass
class Group:
    """A root object of a bulk file with the agreements that belong to it."""

    node: dict[str, Any]
    agreements: list[Agreement] = field(default_factory=list)


class Clock:
    """Waits longer and longer between polls, and tells when patience has ended."""

    def __init__(self, client: GraphqlClient) -> None:
        self._client = client
        self._next = FIRST_POLL
        self._waited = 0.0

    def wait(self) -> bool:
        """Wait once; False when the longest wait is reached instead."""
        if self._waited >= LONGEST_OPERATION:
            return False
        self._client.http.pause(self._next)
        self._waited += self._next
        self._next = min(LONGEST_POLL, self._next * 2)
        return True


def read_bulk(client: GraphqlClient, query: str) -> Iterator[Group]:
    """Run the query as a bulk operation and yield its root objects with what belongs to them, one by one.

    Raises:
        BulkOperationError: no result. TruncatedAnswerError: the file ends too early.
        SchemaError: a line belongs to no object read before it.
    """
    operation = client.shaped(lambda: finished(client, started(client, query)))
    url, size, expected = client.shaped(
        lambda: (operation["url"], int(operation["fileSize"] or 0), int(operation["rootObjectCount"] or 0))
    )
    if url is None:
        if expected:
            raise failed(client, f"Shopify counts {expected} objects and offers no file.")
        return
    found = 0
    for group in grouped(client, lines(client, url, size)):
        found += 1
        yield group
    if found < expected:
        raise client.http.error(
            TruncatedAnswerError,
            "the bulk file ends too early.",
            why=f"{found} of {expected} records came.",
            mend="Run this window again.",
        )


def started(client: GraphqlClient, query: str) -> str:
    """The id of the operation, started as soon as Shopify has a place for it."""
    clock = Clock(client)
    while True:
        answer = client.run(START_BULK, {"query": query})["bulkOperationRunQuery"]
        errors = answer["userErrors"]
        if not errors:
            return str(answer["bulkOperation"]["id"])
        if not any(error["code"] in BUSY for error in errors):
            told = "; ".join(str(error["message"])[:200] for error in errors)
            raise client.http.error(
                RefusedError,
                "Shopify refuses the bulk query.",
                why=told,
                mend="Set a supported API version in the settings.",
            )
        if not clock.wait():
            raise failed(client, "Other bulk operations of this app kept every place occupied.")


def finished(client: GraphqlClient, operation_id: str) -> dict[str, Any]:
    """The completed operation."""
    clock = Clock(client)
    while True:
        operation = client.run(POLL_BULK, {"id": operation_id})["bulkOperation"]
        if operation is None:
            raise failed(client, "Shopify no longer knows it.")
        status = operation["status"]
        if status == "COMPLETED":
            return dict(operation)
        if operation["errorCode"] == "ACCESS_DENIED":
            raise client.http.error(
                AuthenticationError,
                "Shopify denies the bulk query a field.",
                why="The access token lacks a right.",
                mend=client.http.credentials,
            )
        if status in ENDED:
            reason = operation["errorCode"] or "no reason given"
            raise failed(client, f"{status}: {ENDED[status]} ({reason}).")
        if not clock.wait():
            client.run(CANCEL_BULK, {"id": operation_id})
            raise failed(client, f"It ran for {LONGEST_OPERATION / 3600:.0f} hours and was cancelled.")


def failed(client: GraphqlClient, why: str) -> SourceError:
    return client.http.error(
        BulkOperationError,
        "the bulk operation brought no result.",
        why=why,
        mend="Run this window again, in smaller parts if it is a long one.",
    )


def lines(client: GraphqlClient, url: str, size: int) -> Iterator[dict[str, Any]]:
    """The decoded lines of the result file of `size` bytes (0: not told)."""
    read = 0
    for line in client.http.stream_lines(url):
        read += len(line) + 1
        if not line:
            continue
        try:
            decoded = json.loads(line)
        except ValueError:
            decoded = None
        if not isinstance(decoded, dict):
            raise cut_off(client, read)
        yield decoded
    # The last line may lack its end.
    if read < size:
        raise cut_off(client, read)


def cut_off(client: GraphqlClient, read: int) -> SourceError:
    return client.http.error(
        TruncatedAnswerError,
        "the bulk file is cut off.",
        why=f"It breaks after {read} bytes.",
        mend="Run this window again.",
    )


def grouped(client: GraphqlClient, found: Iterator[dict[str, Any]]) -> Iterator[Group]:
    """Root objects with their children; holds one root at a time, as children follow their parents."""
    group: Group | None = None
    parents: dict[str, Agreement] = {}
    for node in found:
        parent = node.get("__parentId")
        if parent is None:
            if group is not None:
                yield group
            group, parents = Group(node), {}
        elif group is not None and parent == group.node.get("id"):
            agreement = Agreement(node, [], [])
            group.agreements.append(agreement)
            refund = node.get("refund")
            parents |= {owner["id"]: agreement for owner in (node, refund) if owner and "id" in owner}
        elif parent in parents:
            owner = parents[parent]
            into = owner.refund_lines if "restockType" in node else owner.sales
            into.append(node)
        else:
            raise client.http.error(
                SchemaError,
                "a line of the bulk file belongs to nothing before it.",
                why="Shopify no longer groups children under their parents.",
                mend="Report this; meanwhile read windows of up to two days, which come in pages.",
            )
    if group is not None:
        yield group
