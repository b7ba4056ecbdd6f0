"""Reading a request: parse and validate against the schema once for each text, then bind variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

UNKNOWN_FIELD = re.compile(r"Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'")


@cache
def schema() -> GraphQLSchema:
    text = resources.files(__package__).joinpath("schema.graphql").read_text(encoding="utf-8")
    return build_schema(text, assume_valid=True)


@dataclass(frozen=True)
class Operation:
    """A valid operation with its variables bound."""

    node: OperationDefinitionNode
    root: GraphQLObjectType
    fragments: dict[str, FragmentDefinitionNode]
    variables: dict[str, Any]


class Refused(Exception):
    """The request cannot be run; `errors` go into the answer."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


@lru_cache(maxsize=128)
def checked(text: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """The parsed text, or what is wrong with it."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, (error,)
    return document, tuple(validate(schema(), document))


def read_operation(text: str, name: str | None, variables: dict[str, Any] | None) -> Operation:
    """The operation to run. Raises Refused with everything that is wrong."""
    document, errors = checked(text)
    if document is None or errors:
        raise Refused([as_vendor(error) for error in errors])
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    found = [
        d
        for d in document.definitions
        if isinstance(d, OperationDefinitionNode) and (name is None or (d.name and d.name.value == name))
    ]
    if len(found) != 1:
        raise Refused([GraphQLError("An operation name is required")])
    node = found[0]
    values = get_variable_values(schema(), node.variable_definitions or (), variables or {})
    if isinstance(values, list):
        raise Refused(values)
    root = schema().get_root_type(node.operation)
    if root is None:
        raise Refused([GraphQLError(f"Schema is not configured for {node.operation.value}s")])
    return Operation(node, root, fragments, values)


def as_vendor(error: GraphQLError) -> GraphQLError:
    """An unknown field in the vendor's words; other findings as they are."""
    match = UNKNOWN_FIELD.match(error.message)
    if match is None:
        return error
    field, typename = match["field"], match["type"]
    return GraphQLError(
        f"Field '{field}' doesn't exist on type '{typename}'",
        error.nodes,
        extensions={"code": "undefinedField", "typeName": typename, "fieldName": field},
    )
