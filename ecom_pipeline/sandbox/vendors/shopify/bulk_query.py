"""Reading a bulk query: what the vendor refuses, and how the rest becomes rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLObjectType, get_named_type
from graphql.execution.values import get_argument_values

from ecom_pipeline.sandbox.vendors.shopify.access import Access
from ecom_pipeline.sandbox.vendors.shopify.bulk_rows import Child, Level
from ecom_pipeline.sandbox.vendors.shopify.fields import TYPES
from ecom_pipeline.sandbox.vendors.shopify.projection import (
    Getter,
    Projection,
    Sets,
    collect,
    is_connection,
    sub_sets,
)
from ecom_pipeline.sandbox.vendors.shopify.schema import Operation, read_operation

MAX_CONNECTIONS = 5
MAX_NESTING = 2


class BulkRefused(Exception):
    """The query is not one that may run in bulk; the text says why."""


class BulkProjection(Projection):
    """Compiles a selection into rows, and refuses what the vendor refuses in bulk."""

    def __init__(self, operation: Operation, access: Access) -> None:
        super().__init__(operation, access)
        self.connections: set[int] = set()
        self.depth = -1
        self.above: list[Child] = []

    def level(self, type_: Any, sets: Sets) -> Level:
        """A connection's nodes: found through `nodes` or `edges { node }`."""
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise BulkRefused(f"Connections may be nested at most {MAX_NESTING} levels deep in a bulk query.")
        outer, self.above = self.above, []
        trail, self.trail = self.trail, []
        level = Level(self.object(get_named_type(type_.fields["nodes"].type), self.node_sets(type_, sets)))
        level.children, self.above, self.trail = self.above, outer, trail
        self.depth -= 1
        return level

    def node_sets(self, type_: Any, sets: Sets) -> list[Any]:
        found = []
        for nodes in collect(self.operation, type_, sets).values():
            if nodes[0].name.value == "nodes":
                found.extend(sub_sets(nodes))
            elif nodes[0].name.value == "edges":
                edge = get_named_type(type_.fields["edges"].type)
                assert isinstance(edge, GraphQLObjectType)
                for inner in collect(self.operation, edge, sub_sets(nodes)).values():
                    if inner[0].name.value == "node":
                        found.extend(sub_sets(inner))
        return found

    def connection(
        self, type_: GraphQLObjectType, nodes: Sequence[FieldNode], resolve: Getter, args: dict[str, Any]
    ) -> Getter | None:
        if self.in_list:
            raise BulkRefused(
                "Queries that contain a connection field within a list field are not currently supported."
            )
        self.count(nodes[0])
        named = get_named_type(type_.fields[nodes[0].name.value].type)
        steps = tuple(self.trail)
        level = self.level(named, sub_sets(nodes))
        self.above.append(Child(steps, TYPES[type_.name]["id"], resolve, level))
        return None

    def count(self, node: FieldNode) -> None:
        """The same connection on several types of an interface is one connection."""
        self.connections.add(node.loc.start if node.loc else id(node))
        if len(self.connections) > MAX_CONNECTIONS:
            raise BulkRefused(f"A bulk query may contain at most {MAX_CONNECTIONS} connections.")


@dataclass
class BulkQuery:
    """A compiled bulk query: which list, with which arguments, and its rows."""

    root: str
    args: dict[str, Any]
    level: Level
    denied: bool


def compile_bulk(text: str, access: Access) -> BulkQuery:
    """Compile a bulk query. Raises BulkRefused, or Refused when it does not fit the schema."""
    operation = read_operation(text, None, {})
    if operation.root.name != "QueryRoot":
        raise BulkRefused("A bulk query must be a query.")
    top = collect(operation, operation.root, [operation.node.selection_set])
    if len(top) != 1:
        raise BulkRefused("A bulk query must have exactly one top-level field.")
    nodes = next(iter(top.values()))
    definition = operation.root.fields[nodes[0].name.value]
    named = get_named_type(definition.type)
    if not is_connection(named) or named.name == "BulkOperationConnection":
        raise BulkRefused("A bulk query must contain at least one connection, at its top level.")
    projection = BulkProjection(operation, access)
    refusal = access.refusal("QueryRoot", nodes[0])
    projection.count(nodes[0])
    level = projection.level(named, sub_sets(nodes))
    args = get_argument_values(definition, nodes[0], operation.variables)
    return BulkQuery(nodes[0].name.value, args, level, bool(projection.errors or refusal))
