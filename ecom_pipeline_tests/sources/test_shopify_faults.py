"""Whatever goes wrong at Shopify is either overcome without loss or named, and never tells a secret."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest

from ecom_pipeline.errors import AuthenticationError, SchemaError, SourceError
from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.world import SECRET_CANARY
from ecom_pipeline.sources.failures import RefusedError, TruncatedAnswerError, UnavailableError
from ecom_pipeline.sources.http import HttpClient
from ecom_pipeline.sources.pagination import PagingError
from ecom_pipeline.sources.retry import Patience
from ecom_pipeline.sources.shopify import queries
from ecom_pipeline.sources.shopify.bulk import BulkOperationError, finished, grouped, lines, started
from ecom_pipeline.sources.shopify.graphql import CostExceededError, GraphqlClient

from .shopify_bench import (
    CHECKOUTS,
    FIRST_DAY,
    LAST_DAY,
    ORDERS,
    VARIANTS,
    Bench,
    bench_of,
    shop_of_two_months,
)

MID = date(2026, 2, 10)
PAGED, BULK = (MID, MID + timedelta(days=1)), (FIRST_DAY, LAST_DAY)
FAULTS: dict[str, dict[str, Any]] = {
    "server_error": {},
    "rate_limited": {},
    "html": {},
    "timeout": {},
    "reset": {},
    "truncated_json": {},
}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return shop_of_two_months()


@pytest.fixture
def bench(shop: Shop) -> Iterator[Bench]:
    with bench_of(shop) as bench:
        bench.source.patience = replace(bench.source.patience, read_timeout=0.3)
        yield bench


def assert_silent(error: BaseException) -> None:
    """Nothing that a log could show of the error holds a secret, a signed URL or an address."""
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__context__)
    assert SECRET_CANARY not in told
    assert "Signature=" not in told
    assert "@" not in told


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("window", [PAGED, BULK], ids=["pages", "bulk"])
def test_a_passing_fault_costs_nothing_but_time(bench: Bench, kind: Any, window: tuple[date, date]) -> None:
    expected = bench.fetch(ORDERS, *window)
    bench.waits.clear()
    bench.world.faults.arm("shopify", kind, where="graphql", skip=1)
    assert bench.fetch(ORDERS, *window) == expected
    assert 1.0 in bench.waits
    assert bench.world.faults.pending() == []


@pytest.mark.parametrize("kind", FAULTS)
@pytest.mark.parametrize("window", [PAGED, BULK], ids=["pages", "bulk"])
def test_a_lasting_fault_is_named_without_secrets(bench: Bench, kind: Any, window: tuple[date, date]) -> None:
    bench.source.patience = replace(bench.source.patience, read_timeout=0.05, attempts=2)
    bench.world.faults.arm("shopify", kind, where="graphql", times=99)
    with pytest.raises(SourceError) as caught:
        bench.fetch(ORDERS, *window)
    assert f"boutique, orders, {window[0]} to {window[1]}" in str(caught.value)
    assert caught.value.why and caught.value.mend
    assert_silent(caught.value)


def test_retry_after_is_obeyed(bench: Bench) -> None:
    bench.world.faults.arm("shopify", "rate_limited", retry_after=17)
    assert bench.fetch(VARIANTS, *PAGED)
    assert bench.waits == [17.0]


def test_a_thirsty_bucket_is_waited_for_exactly(bench: Bench) -> None:
    expected = bench.fetch(ORDERS, *PAGED)
    bench.world.log.clear()
    bench.waits.clear()
    bench.vendor.restore_rate = 8  # points a second; the bucket holds twenty seconds of it
    for _ in range(4):
        assert bench.fetch(ORDERS, *PAGED) == expected
    assert 0 < sum(bench.waits) == bench.source.usage.seconds_waited
    assert all(wait <= 20 for wait in bench.waits)
    # Were a wait too short, another would follow at once, without a page in between.
    assert not any(later < 0.2 for later in bench.waits[1:])


def test_a_wrong_token_is_named_with_the_place_to_mend_it(shop: Shop) -> None:
    with bench_of(shop, access_token="shpat_wrong-and-secret") as bench:
        with pytest.raises(AuthenticationError, match="read_all_orders") as caught:
            bench.fetch(ORDERS, *PAGED)
        assert "wrong-and-secret" not in "".join(traceback.format_exception(caught.value))
        assert bench.waits == []


def test_an_expired_token_is_named(bench: Bench) -> None:
    bench.world.faults.arm("shopify", "expired_token", skip=1)
    with pytest.raises(AuthenticationError) as caught:
        bench.fetch(ORDERS, *PAGED)
    assert_silent(caught.value)


@pytest.mark.parametrize("window", [PAGED, BULK], ids=["pages", "bulk"])
@pytest.mark.parametrize("scope", ["read_orders", "read_customers", "read_products"])
def test_a_missing_scope_is_named(bench: Bench, scope: str, window: tuple[date, date]) -> None:
    bench.world.missing_rights.add(("shopify", scope))
    with pytest.raises(AuthenticationError, match=scope):
        bench.fetch(ORDERS, *window)


def test_orders_beyond_sixty_days_are_not_taken_for_deleted(bench: Bench) -> None:
    bench.world.missing_rights.add(("shopify", "read_all_orders"))
    assert bench.fetch(ORDERS, *PAGED) and bench.keys(*PAGED)
    bench.world.set_now(bench.world.now() + timedelta(days=60))
    for read in (lambda: bench.fetch(ORDERS, *PAGED), lambda: bench.keys(*PAGED)):
        with pytest.raises(AuthenticationError, match="read_all_orders"):
            read()
    bench.world.missing_rights.clear()
    assert bench.fetch(ORDERS, *PAGED) and bench.keys(*PAGED)


@pytest.mark.parametrize("kind", ["repeated_page", "looping_cursor"])
def test_pages_that_go_in_circles_are_named(bench: Bench, kind: Any) -> None:
    bench.world.faults.arm("shopify", kind)
    with pytest.raises(PagingError, match="boutique, orders"):
        bench.fetch(ORDERS, *PAGED)


@pytest.mark.parametrize("window", [PAGED, BULK], ids=["pages", "bulk"])
@pytest.mark.parametrize(
    "column", ["createdAt", "lineType", "happenedAt", "totalTaxAmount", "customAttributes"]
)
@pytest.mark.parametrize("kind", ["missing_column", "retyped_column"])
def test_a_changed_answer_is_named(bench: Bench, kind: Any, column: str, window: tuple[date, date]) -> None:
    bench.world.faults.arm("shopify", kind, column=column, times=99)
    with pytest.raises(SchemaError) as caught:
        bench.fetch(ORDERS, *window)
    assert_silent(caught.value)
    if kind == "missing_column":
        assert column in str(caught.value)


@pytest.mark.parametrize("column", ["pageInfo", "nodes", "orders", "data", "id"])
@pytest.mark.parametrize("kind", ["missing_column", "retyped_column"])
def test_a_page_of_another_shape_is_named(bench: Bench, kind: Any, column: str) -> None:
    bench.world.faults.arm("shopify", kind, column=column, times=99)
    with pytest.raises(SourceError) as caught:
        bench.fetch(ORDERS, *PAGED)
    assert_silent(caught.value)


@pytest.mark.parametrize("column", ["id", "__parentId"])
def test_a_bulk_line_of_another_shape_is_named(bench: Bench, column: str) -> None:
    bench.world.faults.arm("shopify", "missing_column", column=column, where=".jsonl")
    with pytest.raises(SchemaError):
        bench.fetch(ORDERS, *BULK)


@pytest.mark.parametrize("column", ["bulkOperationRunQuery", "userErrors", "status", "url"])
def test_a_bulk_operation_of_another_shape_is_named(bench: Bench, column: str) -> None:
    bench.world.faults.arm("shopify", "missing_column", column=column, times=99)
    with pytest.raises(SchemaError, match=column):
        bench.fetch(ORDERS, *BULK)


def test_a_new_field_changes_nothing(bench: Bench) -> None:
    expected = bench.fetch(CHECKOUTS, *PAGED)
    bench.world.faults.arm("shopify", "extra_column", column="novelty", beside="completedAt", times=99)
    assert bench.fetch(CHECKOUTS, *PAGED) == expected


def test_a_bulk_file_that_breaks_is_read_on(bench: Bench) -> None:
    expected = bench.fetch(ORDERS, *BULK)
    bench.world.faults.arm("shopify", "reset", where=".jsonl", times=2)
    assert bench.fetch(ORDERS, *BULK) == expected


def test_a_bulk_file_cut_short_is_named(bench: Bench) -> None:
    bench.world.faults.arm("shopify", "truncated_json", where=".jsonl")
    with pytest.raises(TruncatedAnswerError) as caught:
        bench.fetch(ORDERS, *BULK)
    assert_silent(caught.value)


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "TIMEOUT"])
def test_a_failed_bulk_operation_is_named(bench: Bench, code: str) -> None:
    bench.vendor.bulk_failures.append(code)
    with pytest.raises(BulkOperationError, match=code) as caught:
        bench.fetch(ORDERS, *BULK)
    assert "boutique, orders, 2026-01-01 to 2026-03-01" in str(caught.value)


def test_a_long_bulk_operation_is_polled_with_growing_patience(bench: Bench) -> None:
    bench.vendor.bulk_polls = 9
    assert bench.fetch(ORDERS, *BULK)
    assert bench.waits == [0.25, 0.5, 1, 2, 4, 8, 10, 10]


def test_a_page_that_costs_too_much_is_halved(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = bench.fetch(ORDERS, *PAGED)
    monkeypatch.setattr(queries, "ORDERS", replace(queries.ORDERS, node_points=1))
    sizes: list[int] = []
    honest = HttpClient.post_json

    def dear(self: HttpClient, path: str, body: Any) -> Any:
        sizes.append(body["variables"]["first"])
        if sizes[-1] > 70:
            return {"errors": [{"message": "too dear", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}
        return honest(self, path, body)

    monkeypatch.setattr(HttpClient, "post_json", dear)
    assert bench.fetch(ORDERS, *PAGED) == expected
    assert sizes == [250, 125, 62]


def test_a_single_record_that_costs_too_much_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def dear(self: HttpClient, path: str, body: Any) -> Any:
        return {"errors": [{"message": "too dear", "extensions": {"code": "MAX_COST_EXCEEDED"}}]}

    monkeypatch.setattr(HttpClient, "post_json", dear)
    with pytest.raises(CostExceededError, match="too dear"):
        bench.fetch(ORDERS, *PAGED)


def test_a_filter_that_is_ignored_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "changed_filter", lambda window: "changed_on:>2026-01-01")
    with pytest.raises(RefusedError, match="changed_on"):
        bench.fetch(ORDERS, *PAGED)


class Scripted:
    """A GraphQL client that answers from a list; waits are kept, never slept."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.waits: list[float] = []
        patience = Patience(sleep=self.waits.append)
        self.http = HttpClient("https://shop.example", subject="shop", credentials="", patience=patience)

    def run(self, query: str, variables: Any = None) -> dict[str, Any]:
        self.asked.append(query)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def client(self) -> GraphqlClient:
        return cast(GraphqlClient, self)


def operation(status: str, **more: Any) -> dict[str, Any]:
    nulls: dict[str, Any] = {"errorCode": None, "rootObjectCount": "0", "fileSize": None, "url": None}
    return {"bulkOperation": {"id": "gid://shopify/BulkOperation/1", "status": status, **nulls, **more}}


def start(code: str | None) -> dict[str, Any]:
    errors = [] if code is None else [{"code": code, "message": "no"}]
    begun = {"id": "gid://shopify/BulkOperation/1"} if code is None else None
    return {"bulkOperationRunQuery": {"bulkOperation": begun, "userErrors": errors}}


def test_a_bulk_file_cut_between_two_records_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = HttpClient.stream_lines

    def without_the_last(self: HttpClient, path: str) -> Iterator[bytes]:
        every = list(honest(self, path))
        last_root = max(n for n, line in enumerate(every) if b"__parentId" not in line)
        return iter(every[:last_root])

    monkeypatch.setattr(HttpClient, "stream_lines", without_the_last)
    with pytest.raises(TruncatedAnswerError, match="records came"):
        bench.fetch(ORDERS, *BULK)


def test_a_file_shorter_than_announced_is_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    client = bench.source._client("boutique")
    whole = [b'{"id": "O"}', b'{"id": "P"}']
    monkeypatch.setattr(client.http, "stream_lines", lambda url: iter(whole))
    size = sum(len(line) + 1 for line in whole)
    for announced in (0, size - 1, size):
        assert len(list(lines(client, "https://x.example", announced))) == len(whole)
    with pytest.raises(TruncatedAnswerError):
        list(lines(client, "https://x.example", size + 1))


@pytest.mark.parametrize("code", ["OPERATION_IN_PROGRESS", "LIMIT_REACHED"])
def test_a_busy_shop_is_waited_for(code: str) -> None:
    scripted = Scripted(start(code), start(code), start(None))
    assert started(scripted.client, "{}") == "gid://shopify/BulkOperation/1"
    assert scripted.waits == [0.25, 0.5]


def test_a_shop_that_stays_busy_is_named() -> None:
    scripted = Scripted(start("LIMIT_REACHED"))
    with pytest.raises(BulkOperationError, match="every place occupied"):
        started(scripted.client, "{}")
    assert sum(scripted.waits) >= 4 * 3600


def test_an_invalid_bulk_query_is_named() -> None:
    with pytest.raises(RefusedError):
        started(Scripted(start("INVALID")).client, "{}")


@pytest.mark.parametrize("status", ["FAILED", "EXPIRED", "CANCELED", "CANCELING"])
def test_every_bad_end_of_a_bulk_operation_is_named(status: str) -> None:
    with pytest.raises(BulkOperationError, match=status):
        finished(Scripted(operation("RUNNING"), operation(status)).client, "1")


def test_a_bulk_operation_that_never_ends_is_cancelled() -> None:
    scripted = Scripted(operation("RUNNING"))
    with pytest.raises(BulkOperationError, match="4 hours"):
        finished(scripted.client, "1")
    assert scripted.asked[-1] == queries.CANCEL_BULK


def test_a_bulk_operation_nobody_knows_is_named() -> None:
    with pytest.raises(BulkOperationError, match="no longer knows"):
        finished(Scripted({"bulkOperation": None}).client, "1")


def test_children_may_name_the_refund_or_the_agreement_as_their_parent() -> None:
    agreement = {"id": "A", "__parentId": "O", "refund": {"id": "R"}}
    rows: list[dict[str, Any]] = [
        {"id": "O"},
        agreement,
        {"id": "1", "restockType": "RETURN", "__parentId": "R"},
        {"id": "2", "restockType": "RETURN", "__parentId": "A"},
        {"id": "3", "lineType": "PRODUCT", "__parentId": "A"},
        {"id": "P"},
    ]
    one, other = grouped(Scripted({}).client, iter(rows))
    assert [line["id"] for line in one.agreements[0].refund_lines] == ["1", "2"]
    assert [line["id"] for line in one.agreements[0].sales] == ["3"]
    assert other.agreements == []


@pytest.mark.parametrize(
    "rows", [[{"id": "x", "__parentId": "O"}], [{"id": "O"}, {"id": "x", "__parentId": "?"}]]
)
def test_a_child_without_its_parent_is_named(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(SchemaError, match="belongs to nothing"):
        list(grouped(Scripted({}).client, iter(rows)))


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "THROTTLED"])
def test_an_error_inside_a_success_is_retried(
    code: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = bench.source._client("boutique")
    broken = {"errors": [{"message": "m", "extensions": {"code": code}}]}
    answers = [broken, broken, {"data": {"fine": True}}]

    def post_json(path: str, body: Any) -> Any:
        return answers.pop(0)

    if code == "THROTTLED":
        assert client._throttle(200, {}, broken) == 1.0
        assert client._throttle(429, {}, broken) is None
        return
    monkeypatch.setattr(client.http, "post_json", post_json)
    assert client.run("{ fine }") == {"fine": True}
    assert bench.waits == [1.0, 2.0]
    answers[:] = [broken] * 6
    with pytest.raises(UnavailableError, match=code):
        client.run("{ fine }")
