"""A bare client of the simulated Admin API for the tests, and queries they share."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

from ecom_pipeline.sandbox.world import World

MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
START = """mutation ($query: String!, $grouped: Boolean!) {
  bulkOperationRunQuery(query: $query, groupObjects: $grouped) {
    bulkOperation { id status } userErrors { code field message } } }"""
LOOK = """query ($id: ID!) { bulkOperation(id: $id) {
  id status errorCode objectCount rootObjectCount url partialDataUrl completedAt } }"""


@dataclass
class Client:
    base_url: str
    world: World
    path: str = "/shopify"
    token_name: str = "shopify_access_token"

    def post(self, query: str, token: str | None = None, /, **variables: Any) -> requests.Response:
        token = self.world.secrets[self.token_name] if token is None else token
        return requests.post(
            f"{self.base_url}{self.path}/admin/api/2026-10/graphql.json",
            json={"query": query, "variables": variables},
            headers={"X-Shopify-Access-Token": token},
            timeout=20,
        )

    def ask(self, query: str, /, **variables: Any) -> Any:
        """The whole answer, which must come with HTTP 200."""
        answer = self.post(query, None, **variables)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def data(self, query: str, /, **variables: Any) -> Any:
        """The data of an answer without errors."""
        body = self.ask(query, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    def pages(self, query: str, root: str = "orders", /, **variables: Any) -> list[dict[str, Any]]:
        """Every node, read page after page; the query takes $after."""
        nodes: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.data(query, after=after, **variables)[root]
            nodes.extend(page["nodes"])
            if not page["pageInfo"]["hasNextPage"]:
                return nodes
            after = page["pageInfo"]["endCursor"]

    def start(self, query: str, *, grouped: bool = True) -> dict[str, Any]:
        payload: dict[str, Any] = self.data(START, query=query, grouped=grouped)["bulkOperationRunQuery"]
        return payload

    def refusal(self, query: str) -> str:
        """The user error that a bulk query meets."""
        payload = self.start(query)
        assert payload["bulkOperation"] is None
        [error] = payload["userErrors"]
        return str(error["message"])

    def look(self, operation_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.data(LOOK, id=operation_id)["bulkOperation"]
        return found

    def finish(self, query: str, *, grouped: bool = True) -> dict[str, Any]:
        """Start an operation and poll it to its end."""
        payload = self.start(query, grouped=grouped)
        assert payload["userErrors"] == []
        while (found := self.look(payload["bulkOperation"]["id"]))["status"] in ("CREATED", "RUNNING"):
            pass
        return found

    def rows(self, query: str, *, grouped: bool = True) -> list[dict[str, Any]]:
        url = self.finish(query, grouped=grouped)["url"]
        return [json.loads(line) for line in requests.get(url, timeout=20).text.splitlines()]
