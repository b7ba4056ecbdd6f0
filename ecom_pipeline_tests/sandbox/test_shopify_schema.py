"""The sandbox's schema is a true part of the vendor's, and every field of it answers rightly."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    ExecutionResult,
    GraphQLEnumType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    execute,
    get_named_type,
    is_leaf_type,
    parse,
)

from ecom_pipeline.sandbox.events import MAIN_SHOP, Shop
from ecom_pipeline.sandbox.vendors.shopify.access import Access
from ecom_pipeline.sandbox.vendors.shopify.bulk import BulkOperations
from ecom_pipeline.sandbox.vendors.shopify.fields import TYPES
from ecom_pipeline.sandbox.vendors.shopify.paging import Page, sequence_page
from ecom_pipeline.sandbox.vendors.shopify.projection import Projection, sub_sets
from ecom_pipeline.sandbox.vendors.shopify.roots import Roots
from ecom_pipeline.sandbox.vendors.shopify.schema import read_operation, schema
from ecom_pipeline.sandbox.vendors.shopify.settings import Settings
from ecom_pipeline.sandbox.vendors.shopify.snapshot import History
from ecom_pipeline.sandbox.world import World

OURS = schema()
PAGING = {"pageInfo", "edges", "nodes", "cursor", "node"}


@cache
def vendor_schema(folder: Path) -> GraphQLSchema:
    with gzip.open(folder / "shopify-admin-graphql" / "admin_2026-10.json.gz") as file:
        return build_client_schema(json.load(file)["data"], assume_valid=True)


def described(types: Any) -> list[Any]:
    return [t for name, t in sorted(types.items()) if not name.startswith("__")]


def test_every_field_and_argument_is_the_vendors(specs: Path) -> None:
    theirs = vendor_schema(specs).type_map
    for ours in described(OURS.type_map):
        if not isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
            continue
        vendor_type = theirs[ours.name]
        assert type(vendor_type) is type(ours), ours.name
        for name, field in ours.fields.items():
            twin = vendor_type.fields[name]
            assert str(field.type) == str(twin.type), f"{ours.name}.{name}"
            assert list(field.args) == list(twin.args), f"{ours.name}.{name}"
            for each, arg in field.args.items():
                assert str(arg.type) == str(twin.args[each].type), f"{ours.name}.{name}({each})"
                assert arg.default_value == twin.args[each].default_value, f"{ours.name}.{name}({each})"
            assert (field.deprecation_reason is None) == (twin.deprecation_reason is None), (
                f"{ours.name}.{name}"
            )


def test_enums_scalars_and_interfaces_are_the_vendors(specs: Path) -> None:
    theirs = vendor_schema(specs)
    for ours in described(OURS.type_map):
        vendor_type: Any = theirs.type_map[ours.name]
        assert type(vendor_type) is type(ours), ours.name
        if isinstance(ours, GraphQLEnumType):
            assert set(ours.values) == set(vendor_type.values), ours.name
        if isinstance(ours, GraphQLObjectType):
            kept = {i.name for i in vendor_type.interfaces if i.name in OURS.type_map}
            assert {i.name for i in ours.interfaces} == kept, ours.name
    for name in ("Sale", "SalesAgreement"):
        ours_possible = {t.name for t in OURS.get_possible_types(OURS.type_map[name])}  # type: ignore[arg-type]
        assert ours_possible == {t.name for t in theirs.get_possible_types(theirs.type_map[name])}  # type: ignore[arg-type]


def test_every_field_of_the_schema_has_its_answer_and_no_other() -> None:
    for type_ in described(OURS.type_map):
        paged = type_.name.endswith(("Connection", "Edge")) or type_.name in (
            "PageInfo",
            "QueryRoot",
            "Mutation",
        )
        if isinstance(type_, GraphQLObjectType) and not paged:
            assert set(TYPES[type_.name]) == set(type_.fields), type_.name


def everything(type_: Any, depth: int, seen: tuple[str, ...] = ()) -> str:
    """A selection of every field down to a depth, each type once on a way."""
    parts = fields_of(type_, depth, seen)
    if isinstance(type_, GraphQLInterfaceType):
        parts = ["__typename"]
        for each in OURS.get_possible_types(type_):
            inner = [alias(each.name, part) for part in fields_of(each, depth, (*seen, type_.name))]
            parts.append(f"... on {each.name} {{ {' '.join(inner)} }}")
    return f"{{ {' '.join(parts)} }}"


def fields_of(type_: Any, depth: int, seen: tuple[str, ...]) -> list[str]:
    chosen = ["__typename"]
    for name, field in type_.fields.items():
        named = get_named_type(field.type)
        if is_leaf_type(named):
            chosen.append(name)
        elif name != "edges" and depth > 0 and named.name not in seen and named.name != type_.name:
            inner = everything(named, depth - (name not in PAGING), (*seen, type_.name))
            chosen.append(f"{name}{'(first: 3)' if 'first' in field.args else ''} {inner}")
    return chosen


def alias(typename: str, field: str) -> str:
    name = field.partition(" ")[0].partition("(")[0]
    return field if name == "__typename" else f"{typename}_{name}: {field}"


def reference(query: str, views: list[Any]) -> Any:
    """What graphql-core's own executor answers from the same functions; it checks types and nulls."""

    def resolve(source: Any, info: Any, **args: Any) -> Any:
        parent, name = info.parent_type.name, info.field_name
        if parent == "QueryRoot":
            return Page(views, lambda i: f"c{i}", False, False)
        if isinstance(source, Page):
            return page_field(source, name)
        if parent.endswith("Edge"):
            return source[name]
        if parent == "PageInfo":
            return source[name]
        value = TYPES[parent][name](source)
        named = get_named_type(info.return_type).name
        if named.endswith("Connection"):
            return sequence_page(value, args)
        return value[: args["first"]] if args.get("first") and isinstance(value, list) else value

    result = execute(
        OURS, parse(query), field_resolver=resolve, type_resolver=lambda view, info, kind: view.typename
    )
    assert isinstance(result, ExecutionResult)
    assert not result.errors, result.errors[:3]
    return result.data


def page_field(page: Page, name: str) -> Any:
    if name == "nodes":
        return page.items
    if name == "edges":
        return [{"cursor": page.cursor(i), "node": each} for i, each in enumerate(page.items)]
    last = len(page.items) - 1
    return {
        "hasNextPage": page.has_next,
        "hasPreviousPage": page.has_previous,
        "startCursor": page.cursor(0) if page.items else None,
        "endCursor": page.cursor(last) if page.items else None,
    }


def projected(query: str, views: list[Any], world: World) -> Any:
    operation = read_operation(query, None, {})
    [top] = operation.node.selection_set.selections
    projection = Projection(operation, Access(world))
    type_ = get_named_type(operation.root.fields[top.name.value].type)  # type: ignore[attr-defined]
    shape = projection.page(type_, sub_sets([top]))  # type: ignore[list-item]
    return {top.name.value: shape(Page(views, lambda i: f"c{i}", False, False))}  # type: ignore[attr-defined]


@pytest.fixture
def views(shop: Shop, world: World) -> Callable[[str], list[Any]]:
    def of(root: str) -> list[Any]:
        snapshot = History(shop, MAIN_SHOP).at(world.now())
        refs = snapshot.items(root)
        if root == "orders":
            kinds: dict[Any, Any] = {}
            for ref in refs:  # one order of each story
                order = ref.order
                story = tuple(sorted({line.kind for a in order.agreements for line in a.lines}))
                states = (order.voided_at is None, order.cancelled_at is None, order.customer is None)
                kinds.setdefault(
                    (story, tuple(a.kind for a in order.agreements), states, order.currency), ref
                )
            refs = list(kinds.values())
            assert len(refs) > 8
        return [snapshot.view(ref) for ref in refs[:60]]

    return of


@pytest.mark.parametrize("root", ["orders", "abandonedCheckouts", "productVariants", "products", "customers"])
def test_projection_answers_as_the_reference_executor_does(
    root: str, views: Callable[[str], list[Any]], world: World
) -> None:
    """All fields, three objects deep: same values, valid enums, no null where none may be."""
    type_ = get_named_type(OURS.query_type.fields[root].type)  # type: ignore[union-attr]
    query = f"{{ {root}(first: 50) {everything(type_, 3)} }}"
    found = views(root)
    assert projected(query, found, world) == reference(query, found)


def test_projection_merges_fragments_aliases_and_directives(
    views: Callable[[str], list[Any]], world: World
) -> None:
    query = """
      query { orders(first: 5) { list: nodes { ...Basics ... on Node { key: id }
        total: totalPriceSet { shopMoney { amount } }
        total: totalPriceSet { shopMoney { currencyCode } } name @skip(if: true) email @include(if: false)
        agreements(first: 2) { edges { cursor node {
          id ... on SalesAgreement { reason } ... on RefundAgreement { refund { id } } } } } } } }
      fragment Basics on Order { id ... { createdAt }
        lineItems(first: 1) { nodes { title } pageInfo { hasNextPage endCursor } } }
    """
    found = views("orders")
    answer = projected(query, found, world)
    assert answer == reference(query, found)
    assert "name" not in answer["orders"]["list"][0]
    assert set(answer["orders"]["list"][0]["total"]["shopMoney"]) == {"amount", "currencyCode"}


def test_shop_and_installation_fit_the_schema(shop: Shop, world: World) -> None:
    snapshot = History(shop, MAIN_SHOP).at(datetime(2026, 2, 1, tzinfo=UTC))
    roots = Roots(snapshot, world.now(), Access(world), BulkOperations(world, Settings()))
    for name in ("Shop", "AppInstallation"):
        type_ = OURS.type_map[name]
        value = roots.resolve("shop" if name == "Shop" else "currentAppInstallation", {})
        operation = read_operation("{ __typename }", None, {})
        assert isinstance(type_, GraphQLObjectType)
        [field] = parse(f"{{ x {everything(type_, 2)} }}").definitions[0].selection_set.selections  # type: ignore[attr-defined]
        answer = Projection(operation, Access(world)).object(type_, [field.selection_set])(value)
        assert all(answer[f] is not None for f, d in type_.fields.items() if str(d.type).endswith("!"))
