"""What a query costs, and the bucket it is paid from.

An object costs one point, a scalar nothing, a mutation ten, a list as much as one of its entries,
an interface as much as its dearest type. A connection costs what one node costs times a weight that
grows slower than `first`: with 0.75 times its square root, 250 variants with their inventory items
cost the 24 points seen in a published answer of the vendor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_leaf_type
from graphql.execution.values import get_argument_values

from ecom_pipeline.sandbox.vendors.shopify.projection import Sets, collect, is_connection, sub_sets
from ecom_pipeline.sandbox.vendors.shopify.schema import Operation, schema
from ecom_pipeline.sandbox.vendors.shopify.settings import Settings
from ecom_pipeline.sandbox.world import World

MAX_COST = 1_000
BUCKET_SECONDS = 20
MUTATION_COST = 10


def weight(items: int) -> float:
    return max(1.0, 0.75 * math.sqrt(items)) if items else 0.0


def query_cost(operation: Operation, sizes: Mapping[str, int] | None = None) -> int:
    """Points for an operation; `sizes` gives, by response key, how many items root lists really held."""
    if operation.root.name == "Mutation":
        return MUTATION_COST * len(collect(operation, operation.root, [operation.node.selection_set]))
    return math.ceil(
        _Cost(operation, sizes or {}).of(operation.root, [operation.node.selection_set], top=True)
    )


class _Cost:
    def __init__(self, operation: Operation, sizes: Mapping[str, int]) -> None:
        self.operation = operation
        self.sizes = sizes

    def of(self, type_: Any, sets: Sets, *, top: bool = False) -> float:
        """The cost of everything selected below an object."""
        if isinstance(type_, GraphQLInterfaceType):
            return max(self.of(each, sets) for each in schema().get_possible_types(type_))
        assert isinstance(type_, GraphQLObjectType)
        total = 0.0
        for key, nodes in collect(self.operation, type_, sets).items():
            definition = type_.fields.get(nodes[0].name.value)
            named = get_named_type(definition.type) if definition else None
            if definition is None or named is None or is_leaf_type(named):
                continue
            if named.name == "PageInfo":
                continue
            if not is_connection(named):
                total += 1 + self.of(named, sub_sets(nodes))
                continue
            args = get_argument_values(definition, nodes[0], self.operation.variables)
            items = self.sizes.get(key) if top else None
            if items is None:
                items = args.get("first") or args.get("last") or 1
            total += weight(items) * self.node(named, sub_sets(nodes))
        return total

    def node(self, connection: Any, sets: Sets) -> float:
        """One node of a connection, through `nodes` or `edges { node }`."""
        total = 1.0
        for nodes in collect(self.operation, connection, sets).values():
            name = nodes[0].name.value
            if name == "nodes":
                total += self.of(get_named_type(connection.fields["nodes"].type), sub_sets(nodes))
            elif name == "edges":
                edge = get_named_type(connection.fields["edges"].type)
                assert isinstance(edge, GraphQLObjectType)
                for inner in collect(self.operation, edge, sub_sets(nodes)).values():
                    if inner[0].name.value == "node":
                        total += self.of(get_named_type(edge.fields["node"].type), sub_sets(inner))
        return total


class Bucket:
    """The leaky bucket of one app in one shop, refilled by the world's real-time ticks."""

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.used = 0.0
        self.seen = world.ticks()

    @property
    def maximum(self) -> int:
        return self.settings.restore_rate * BUCKET_SECONDS

    @property
    def available(self) -> float:
        return self.maximum - self.used

    def refill(self) -> None:
        now = self.world.ticks()
        self.used = max(0.0, self.used - (now - self.seen) * self.settings.restore_rate)
        self.seen = now

    def take(self, points: int) -> bool:
        """Whether the points were there; they are taken when they were."""
        self.refill()
        if self.available < points:
            return False
        self.used += points
        return True

    def give_back(self, points: int) -> None:
        self.used = max(0.0, self.used - points)

    def status(self) -> dict[str, float]:
        return {
            "maximumAvailable": float(self.maximum),
            "currentlyAvailable": int(self.available),
            "restoreRate": float(self.settings.restore_rate),
        }
