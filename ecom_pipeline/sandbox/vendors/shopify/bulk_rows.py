"""The rows of a bulk result: one for each node of each connection, children naming their parent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Getter = Callable[[Any], Any]


@dataclass
class Level:
    """One connection: how its nodes become rows, and the connections below them."""

    project: Getter
    children: list[Child] = field(default_factory=list)


class Child(NamedTuple):
    """A connection below a row: the steps to the object that owns it, the owner's id, its nodes."""

    steps: tuple[Getter, ...]
    owner_id: Getter
    resolve: Getter
    level: Level

    def nodes(self, view: Any) -> tuple[str, Sequence[Any]]:
        """The owner's id and the nodes; no nodes when a step leads nowhere."""
        for step in self.steps:
            view = step(view)
            if view is None:
                return "", ()
        return self.owner_id(view), self.resolve(view)


def count(level: Level, view: Any) -> int:
    """The rows a view gives, its own included."""
    total = 1
    for child in level.children:
        nodes = child.nodes(view)[1]
        if child.level.children:
            total += sum(count(child.level, node) for node in nodes)
        else:
            total += len(nodes)
    return total


def row(level: Level, view: Any, parent: str | None) -> dict[str, Any]:
    made: dict[str, Any] = level.project(view)
    if parent is not None:
        made["__parentId"] = parent
    return made


def grouped_rows(level: Level, view: Any, parent: str | None) -> list[dict[str, Any]]:
    """A record and all that belongs to it as lines of a bulk file, parents first."""
    found = [row(level, view, parent)]
    for child in level.children:
        owner, nodes = child.nodes(view)
        for node in nodes:
            if child.level.children:
                found.extend(grouped_rows(child.level, node, owner))
            else:
                found.append(row(child.level, node, owner))
    return found


def paths(level: Level) -> Iterator[tuple[Child, ...]]:
    """Every connection as the way to it from the root, parents before children."""
    waiting: list[tuple[Level, tuple[Child, ...]]] = [(level, ())]
    while waiting:
        at, path = waiting.pop(0)
        yield path
        waiting.extend((child.level, (*path, child)) for child in at.children)


def path_rows(
    level: Level, path: tuple[Child, ...], view: Any, parent: str | None
) -> Iterator[dict[str, Any]]:
    if not path:
        yield row(level, view, parent)
        return
    owner, nodes = path[0].nodes(view)
    for node in nodes:
        yield from path_rows(path[0].level, path[1:], node, owner)
