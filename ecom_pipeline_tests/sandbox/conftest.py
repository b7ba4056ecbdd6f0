"""Two generated months behind a real server; the world around the shop is fresh for every test."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.generator import generate_shop
from ecom_pipeline.sandbox.server import run_sandbox
from ecom_pipeline.sandbox.vendors.google_token import JWT_GRANT
from ecom_pipeline.sandbox.world import World

FIRST_DAY, LAST_DAY = date(2026, 1, 1), date(2026, 3, 1)


@pytest.fixture(scope="session")
def shop() -> Shop:
    return generate_shop(7, FIRST_DAY, LAST_DAY, 12)


@pytest.fixture
def world(shop: Shop) -> World:
    return World(shop, datetime(2026, 3, 2, 5, tzinfo=UTC))


@pytest.fixture
def base_url(world: World) -> Iterator[str]:
    with run_sandbox(world) as url:
        yield url


@pytest.fixture(scope="session")
def specs() -> Path:
    """The vendors' machine-readable specifications, which lie beside the checkout on some machines."""
    folder = Path(__file__).parents[3] / "shared" / "specs"
    if not folder.is_dir():
        pytest.skip("no vendor specifications beside the checkout")
    return folder


def signed_jwt(key: dict[str, str], claims: dict[str, Any]) -> str:
    """A JWT as a service account's client makes it."""
    private = serialization.load_pem_private_key(key["private_key"].encode(), None)
    assert isinstance(private, rsa.RSAPrivateKey)

    def part(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).rstrip(b"=").decode()

    header = {"alg": "RS256", "typ": "JWT", "kid": key["private_key_id"]}
    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    return f"{signed}.{part(private.sign(signed.encode(), padding.PKCS1v15(), SHA256()))}"


def jwt_claims(key: dict[str, str], scope: str, now: datetime, **other: Any) -> dict[str, Any]:
    issued = int(now.timestamp())
    return {
        "iss": key["client_email"],
        "aud": key["token_uri"],
        "scope": scope,
        "iat": issued,
        "exp": issued + 3600,
        **other,
    }


@pytest.fixture
def google_bearer(base_url: str, world: World) -> Callable[[str], dict[str, str]]:
    """Headers with a fresh access token of a scope."""

    def bearer(scope: str) -> dict[str, str]:
        key = world.google_service_account(base_url)
        form = {"grant_type": JWT_GRANT, "assertion": signed_jwt(key, jwt_claims(key, scope, world.now()))}
        answer = requests.post(f"{base_url}/google-oauth/token", data=form, timeout=5)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    return bearer
