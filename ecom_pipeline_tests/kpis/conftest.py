"""Shops built once for all tests of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .built_shop import RECIPES, BuiltShop, build_shop


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], BuiltShop]]:
    """Gives a built shop by its recipe's name."""
    shops: dict[str, BuiltShop] = {}
    with ExitStack() as stack:

        def get(name: str) -> BuiltShop:
            if name not in shops:
                folder = tmp_path_factory.mktemp("shop")
                shops[name] = stack.enter_context(build_shop(folder, RECIPES[name]))
            return shops[name]

        yield get
