"""A small hand-made shop behind a real server, fresh for every test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.world import World


@pytest.fixture
def shop() -> Shop:
    return Shop(7, "Maison Test", "maison-test.myshopify.com", "EUR", "Europe/Paris", date(2026, 3, 1), date(2026, 3, 31))


@pytest.fixture
def world(shop: Shop) -> World:
    return World(shop, datetime(2026, 4, 1, 6, tzinfo=UTC))


@pytest.fixture
def base_url(world: World) -> Iterator[str]:
    with run_sandbox(world) as url:
        yield url
