"""Selection sets compiled into closures: what is asked for is decided once, not for every object.

A general GraphQL executor spends a hundred times longer on a field than these do; validity is the
schema's business (`schema.read_operation`), so nothing is checked again here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
)
from graphql.execution.values import get_argument_values, get_directive_values
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective

from ecom_pipeline.sandbox.vendors.shopify.access import Access
from ecom_pipeline.sandbox.vendors.shopify.fields import TYPES
from ecom_pipeline.sandbox.vendors.shopify.paging import Page, page_size, sequence_page
from ecom_pipeline.sandbox.vendors.shopify.schema import Operation, schema

Getter = Callable[[Any], Any]
Sets = Sequence[SelectionSetNode]


def collect(operation: Operation, type_: GraphQLObjectType, sets: Sets) -> dict[str, list[FieldNode]]:
    """The fields selected on a concrete type by response key, fragments resolved, in order."""
    found: dict[str, list[FieldNode]] = {}

    def walk(selection_set: SelectionSetNode) -> None:
        for node in selection_set.selections:
            if not included(operation, node):
                continue
            if isinstance(node, FieldNode):
                found.setdefault(node.alias.value if node.alias else node.name.value, []).append(node)
                continue
            spread = operation.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            assert isinstance(spread, InlineFragmentNode | FragmentDefinitionNode)
            condition = spread.type_condition
            if condition is None or applies(condition.name.value, type_):
                walk(spread.selection_set)

    for selection_set in sets:
        walk(selection_set)
    return found


def included(operation: Operation, node: Any) -> bool:
    skip = get_directive_values(GraphQLSkipDirective, node, operation.variables)
    include = get_directive_values(GraphQLIncludeDirective, node, operation.variables)
    return not (skip and skip["if"]) and not (include and not include["if"])


def applies(condition: str, type_: GraphQLObjectType) -> bool:
    return condition == type_.name or any(condition == each.name for each in type_.interfaces)


def sub_sets(nodes: Sequence[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set]


def is_connection(type_: Any) -> bool:
    return str(type_.name).endswith("Connection")


class Projection:
    """Compiles selections; `errors` collects the fields that the granted scopes do not allow."""

    def __init__(self, operation: Operation, access: Access) -> None:
        self.operation = operation
        self.access = access
        self.errors: list[GraphQLError] = []
        self.trail: list[Getter] = []  # from the enclosing list entry to the object being compiled
        self.in_list = 0

    def object(self, type_: GraphQLOutputType, sets: Sets) -> Getter:
        """A closure from a view to the dictionary that answers the selection."""
        if isinstance(type_, GraphQLInterfaceType):
            by_name = {}
            for each in schema().get_possible_types(type_):
                with self.into(only(each.name)):
                    by_name[each.name] = self.concrete(each, sets)
            return lambda view: by_name[view.typename](view)
        assert isinstance(type_, GraphQLObjectType)
        return self.concrete(type_, sets)

    def concrete(self, type_: GraphQLObjectType, sets: Sets) -> Getter:
        pairs = []
        for key, nodes in collect(self.operation, type_, sets).items():
            getter = self.field(type_, nodes)
            if getter is not None:
                pairs.append((key, getter))
        frozen = tuple(pairs)
        return lambda view: {key: get(view) for key, get in frozen}

    def field(self, type_: GraphQLObjectType, nodes: Sequence[FieldNode]) -> Getter | None:
        """A closure for one field; None when it is answered elsewhere, as connections in bulk are."""
        name = nodes[0].name.value
        if name == "__typename":
            return lambda _: type_.name
        if (error := self.access.refusal(type_.name, nodes[0])) is not None:
            self.errors.append(error)
            return lambda _: None
        definition, resolve = type_.fields[name], TYPES[type_.name][name]
        named = get_named_type(definition.type)
        if is_leaf_type(named):
            return resolve
        args = get_argument_values(definition, nodes[0], self.operation.variables)
        if is_connection(named):
            return self.connection(type_, nodes, resolve, args)
        if is_list_type(get_nullable_type(definition.type)):
            self.in_list += 1
            inner = self.object(named, sub_sets(nodes))
            self.in_list -= 1
            first = args.get("first")
            return lambda view: [inner(each) for each in resolve(view)[:first]]
        with self.into(resolve):
            inner = self.object(named, sub_sets(nodes))
        if isinstance(definition.type, GraphQLNonNull):
            return lambda view: inner(resolve(view))
        return lambda view: None if (found := resolve(view)) is None else inner(found)

    def connection(
        self, type_: GraphQLObjectType, nodes: Sequence[FieldNode], resolve: Getter, args: dict[str, Any]
    ) -> Getter | None:
        page_size(args, required=False)
        named = get_named_type(type_.fields[nodes[0].name.value].type)
        shape = self.page(named, sub_sets(nodes))
        return lambda view: shape(sequence_page(resolve(view), args))

    def page(self, type_: Any, sets: Sets) -> Callable[[Page], dict[str, Any]]:
        """A closure from a page to a connection's nodes, edges and page info."""
        pairs = []
        for key, nodes in collect(self.operation, type_, sets).items():
            name = nodes[0].name.value
            if name == "nodes":
                pairs.append((key, self.nodes(type_, sub_sets(nodes))))
            elif name == "edges":
                pairs.append((key, self.edges(get_named_type(type_.fields["edges"].type), sub_sets(nodes))))
            elif name == "pageInfo":
                pairs.append((key, self.page_info(sub_sets(nodes))))
            else:
                pairs.append((key, lambda _: type_.name))
        return lambda page: {key: get(page) for key, get in pairs}

    def nodes(self, type_: Any, sets: Sets) -> Getter:
        node = self.object(get_named_type(type_.fields["nodes"].type), sets)
        return lambda page: [node(each) for each in page.items]

    def edges(self, type_: Any, sets: Sets) -> Getter:
        pairs: list[tuple[str, Callable[[Page, int], Any]]] = []
        for key, nodes in collect(self.operation, type_, sets).items():
            name = nodes[0].name.value
            if name == "node":
                pairs.append((key, self.edge_node(type_, sub_sets(nodes))))
            elif name == "cursor":
                pairs.append((key, lambda page, i: page.cursor(i)))
            else:
                pairs.append((key, lambda page, i: type_.name))
        return lambda page: [{key: get(page, i) for key, get in pairs} for i in range(len(page.items))]

    def edge_node(self, type_: Any, sets: Sets) -> Callable[[Page, int], Any]:
        node = self.object(get_named_type(type_.fields["node"].type), sets)
        return lambda page, i: node(page.items[i])

    def page_info(self, sets: Sets) -> Getter:
        known: dict[str, Getter] = {
            "hasNextPage": lambda page: page.has_next,
            "hasPreviousPage": lambda page: page.has_previous,
            "startCursor": lambda page: page.cursor(0) if page.items else None,
            "endCursor": lambda page: page.cursor(len(page.items) - 1) if page.items else None,
            "__typename": lambda _: "PageInfo",
        }
        type_ = schema().type_map["PageInfo"]
        assert isinstance(type_, GraphQLObjectType)
        pairs = [(k, known[n[0].name.value]) for k, n in collect(self.operation, type_, sets).items()]
        return lambda page: {key: get(page) for key, get in pairs}

    @contextmanager
    def into(self, step: Getter) -> Iterator[None]:
        trail = self.trail  # a compilation that fails on the way may have left another one in place
        trail.append(step)
        try:
            yield
        finally:
            trail.pop()


def only(typename: str) -> Getter:
    """The view itself when it is of this type, else None."""
    return lambda view: view if view.typename == typename else None
