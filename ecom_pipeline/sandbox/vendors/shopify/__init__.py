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
from ecom_pipeline.sandbox.events import Storefront
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.vendors.shopify.api import AdminApi, BulkFile, failure, token_name
from ecom_pipeline.sandbox.vendors.shopify.settings import Settings
from ecom_pipeline.sandbox.world import World


def settings(world: World) -> Settings:
    """This world's settings; change them at any time."""
    found = vars(world).setdefault("shopify_settings", Settings())
    assert isinstance(found, Settings)
    return found


def fronts(world: World) -> list[tuple[Storefront, str]]:
    """The business's Shopify shops, each with the path it is served under."""
    shops = [front for front in world.shop.business.storefronts if front.platform == "shopify"]
    return [(front, "/shopify" if at == 0 else f"/shopify-{front.key}") for at, front in enumerate(shops)]


def instances(world: World, url: str) -> list[Instance]:
    """The shops, each read with an Admin API token of its own."""
    return [
        Instance(
            front.key,
            "shopify",
            {"domain": front.domain, "base_url": f"{url}{path}"},
            {"access_token": world.secrets[token_name(front)]},
        )
        for front, path in fronts(world)
    ]


def routes(world: World) -> list[BaseRoute]:
    """Shopify's addresses in the sandbox."""
    vendor = Vendor("shopify", failure)

    async def change_settings(request: Request) -> Response:
        asked = await request.json()
        now = settings(world)
        now.restore_rate = int(asked.get("restore_rate", now.restore_rate))
        now.bulk_polls = int(asked.get("bulk_polls", now.bulk_polls))
        now.bulk_failures = [str(code) for code in asked.get("bulk_failures", now.bulk_failures)]
        return JSONResponse(asdict(now))

    found: list[BaseRoute] = [Route("/_sandbox/shopify", change_settings, methods=["POST"])]
    for front, path in fronts(world):
        api = AdminApi(world, settings(world), front)
        graphql = f"{path}/admin/api/{{version}}/graphql.json"
        found.append(route(world, vendor, graphql, api.graphql, methods=["POST"]))
        found.append(Route(f"{path}/bulk/{{file}}", BulkFile(world, vendor, api.bulk)))
    return found
