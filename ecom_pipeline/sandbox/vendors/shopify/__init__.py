"""Shopify's Admin GraphQL API, version 2026-10, under /shopify.

Queries are validated by graphql-core against a subset of the vendor's schema and answered by
closures compiled from the selection. Its generosity and its bulk operations are steered through
`settings(world)`, or from another process through POST /_sandbox/shopify.
"""

from __future__ import annotations

from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ecom_pipeline.sandbox.endpoint import Vendor, route
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.shopify.api import AdminApi, BulkFile, failure
from ecom_pipeline.sandbox.vendors.shopify.settings import Settings
from ecom_pipeline.sandbox.world import World


def settings(world: World) -> Settings:
    """This world's settings; change them at any time."""
    found = vars(world).setdefault("shopify_settings", Settings())
    assert isinstance(found, Settings)
    return found


def instances(world: World, url: str) -> list[Instance]:
    """The shop, read with an Admin API token."""
    settings = {"domain": world.accounts["shopify_domain"], "base_url": f"{url}/shopify"}
    return [Instance("shop", "shopify", settings, {"access_token": world.secrets["shopify_access_token"]})]


def routes(world: World) -> list[BaseRoute]:
    """Shopify's addresses in the sandbox."""
    api = AdminApi(world, settings(world))
    vendor = Vendor("shopify", failure)

    async def change_settings(request: Request) -> Response:
        asked = await request.json()
        now = settings(world)
        now.restore_rate = int(asked.get("restore_rate", now.restore_rate))
        now.bulk_polls = int(asked.get("bulk_polls", now.bulk_polls))
        now.bulk_failures = [str(code) for code in asked.get("bulk_failures", now.bulk_failures)]
        return JSONResponse(asdict(now))

    return [
        route(world, vendor, "/shopify/admin/api/{version}/graphql.json", api.graphql, methods=["POST"]),
        Route("/shopify/bulk/{file}", BulkFile(world, vendor, api.bulk)),
        Route("/_sandbox/shopify", change_settings, methods=["POST"]),
    ]
