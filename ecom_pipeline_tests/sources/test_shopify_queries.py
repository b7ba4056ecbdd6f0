"""Every text sent to Shopify is valid by the vendor's own schema, affordable, and allowed in bulk."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_client_schema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    parse,
    validate,
)
from graphql.type import get_nullable_type

from ecom_pipeline.sources.contract import Window
from ecom_pipeline.sources.shopify import queries
from ecom_pipeline.sources.shopify.queries import STREAMS, Stream

SPECS = Path(__file__).parents[3] / "shared" / "specs" / "shopify-admin-graphql"
FIXED = (queries.START_BULK, queries.POLL_BULK, queries.CANCEL_BULK, queries.CHECK)
TEXTS = (
    *(stream.paged_query for stream in STREAMS),
    *(stream.bulk_query("created_at:>='2026-01-01T00:00:00Z'") for stream in STREAMS),
    queries.VARIANTS.bulk_query(None),
    *FIXED,
)
PERSONAL = ("firstName", "lastName", "phone", "address1", "city", "zip", "note", "displayName", "company")


@pytest.fixture(scope="session", params=["2026-10", "2026-07"])
def schema(request: pytest.FixtureRequest) -> GraphQLSchema:
    file = SPECS / f"admin_{request.param}.json.gz"
    if not file.exists():
        pytest.skip("the vendor's schema does not lie beside the checkout")
    with gzip.open(file) as content:
        return build_client_schema(json.load(content)["data"], assume_valid=True)


@pytest.mark.parametrize("text", TEXTS)
def test_every_query_is_valid_by_the_vendors_schema(schema: GraphQLSchema, text: str) -> None:
    assert validate(schema, parse(text)) == []


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_deprecated_is_asked_for(schema: GraphQLSchema, text: str) -> None:
    deprecated = [
        node.name.value
        for parent, node, _ in fields_of(schema, text)
        if parent.fields[node.name.value].deprecation_reason
    ]
    assert deprecated == []


@pytest.mark.parametrize("text", TEXTS)
def test_no_personal_field_is_asked_for_but_the_email(schema: GraphQLSchema, text: str) -> None:
    asked = {node.name.value for _, node, _ in fields_of(schema, text)}
    assert asked.isdisjoint(PERSONAL)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: f"{stream.root}-{stream.node_points}")
def test_pages_stay_under_the_cost_of_one_query(schema: GraphQLSchema, stream: Stream) -> None:
    operation = parse(stream.paged_query).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    [root] = operation.selection_set.selections
    assert isinstance(root, FieldNode) and root.selection_set is not None
    query_type = schema.query_type
    assert query_type is not None
    connection = get_named_type(query_type.fields[stream.root].type)
    assert points(schema, connection, root.selection_set) == stream.node_points
    assert 5 + stream.page_size * stream.node_points <= queries.MOST_POINTS
    assert stream.page_size <= queries.MOST_PER_PAGE


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: f"{stream.root}-{stream.node_points}")
def test_bulk_queries_keep_the_rules_of_bulk(schema: GraphQLSchema, stream: Stream) -> None:
    text = stream.bulk_query("id:1")
    above = [path for _, node, path in fields_of(schema, text) if node.name.value == "node"]
    assert 1 <= len(above) <= 5
    assert max(path.count("edges") for path in above) <= 3, "the root and two levels below it"
    for parent, node, path in fields_of(schema, text):
        if node.name.value == "edges":
            assert "[]" not in path, f"{parent.name} stands in a list"


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: f"{stream.root}-{stream.node_points}")
def test_pages_and_bulk_ask_for_the_same(schema: GraphQLSchema, stream: Stream) -> None:
    def asked(text: str) -> set[tuple[str, str]]:
        around = ("pageInfo", "hasNextPage", "endCursor", "nodes", "node", "edges")
        found = fields_of(schema, text)
        return {(p.name, n.name.value) for p, n, _ in found if n.name.value not in around}

    assert asked(stream.paged_query) == asked(stream.bulk_query(None))


def test_a_window_that_reaches_today_is_open() -> None:
    asked_at = datetime(2026, 4, 1, 6, tzinfo=UTC)
    window = Window(date(2026, 3, 31), date(2026, 3, 31), "Europe/Paris", asked_at)
    assert queries.changed_filter(window) == "updated_at:>='2026-03-30T22:00:00Z'"


def test_an_older_window_holds_what_was_created_or_updated_in_it() -> None:
    asked_at = datetime(2026, 5, 1, 6, tzinfo=UTC)
    window = Window(date(2026, 3, 28), date(2026, 3, 29), "Europe/Paris", asked_at)
    start, end = "2026-03-27T23:00:00Z", "2026-03-29T22:00:00Z"  # the clocks go forward in between
    assert queries.changed_filter(window) == (
        f"(created_at:>='{start}' AND created_at:<'{end}') OR "
        f"(updated_at:>='{start}' AND updated_at:<'{end}')"
    )


Found = tuple[GraphQLObjectType | GraphQLInterfaceType, FieldNode, tuple[str, ...]]


def fields_of(schema: GraphQLSchema, text: str) -> list[Found]:
    """Every field with its parent type and its path; a list that is no connection's adds "[]"."""
    found: list[Found] = []
    for operation in parse(text).definitions:
        assert isinstance(operation, OperationDefinitionNode)
        root = schema.get_root_type(operation.operation)
        found.extend(walk(schema, root, operation.selection_set, ()))
    return found


def walk(
    schema: GraphQLSchema, parent: Any, chosen: SelectionSetNode, path: tuple[str, ...]
) -> Iterator[Found]:
    for node in chosen.selections:
        if isinstance(node, InlineFragmentNode):
            inner = schema.get_type(node.type_condition.name.value) if node.type_condition else parent
            yield from walk(schema, inner, node.selection_set, path)
        elif isinstance(node, FieldNode) and not node.name.value.startswith("__"):
            kind = parent.fields[node.name.value].type
            listed = is_list_type(get_nullable_type(kind)) and node.name.value not in ("edges", "nodes")
            here = (*path, node.name.value, *(["[]"] if listed else []))
            yield parent, node, here
            if node.selection_set:
                yield from walk(schema, get_named_type(kind), node.selection_set, here)


def points(schema: GraphQLSchema, kind: Any, chosen: SelectionSetNode) -> int:
    """What a selection costs by the documented rule: an object one point, a connection its entries,
    an interface its dearest type, page information left out."""
    fragments = [n for n in chosen.selections if isinstance(n, InlineFragmentNode) and n.type_condition]
    types = [(schema.get_type(n.type_condition.name.value), n.selection_set) for n in fragments]
    total = max((points(schema, each, inside) for each, inside in types), default=0)
    for node in chosen.selections:
        if not isinstance(node, FieldNode) or node.name.value.startswith("__"):
            continue
        below = kind.fields[node.name.value].type
        named: Any = get_named_type(below)
        if is_leaf_type(named) or named.name == "PageInfo" or node.selection_set is None:
            continue
        if node.name.value == "nodes":
            total += 1 + points(schema, named, node.selection_set)
            continue
        first = [a.value for a in node.arguments or () if a.name.value == "first"]
        each = points(schema, named, node.selection_set)
        total += int(getattr(first[0], "value", 0)) * each if first else 1 + each
    return total
