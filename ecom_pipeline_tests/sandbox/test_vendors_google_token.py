"""Google's token endpoint: service accounts and refresh tokens."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ecom_pipeline.sandbox.vendors.google_token import ADWORDS_SCOPE, ANALYTICS_SCOPE, JWT_GRANT
from ecom_pipeline.sandbox.world import World

from .conftest import jwt_claims, signed_jwt

Bearer = Callable[[str], dict[str, str]]


def ask_token(base_url: str, **form: str) -> requests.Response:
    return requests.post(f"{base_url}/google-oauth/token", data=form, timeout=5)


def test_service_account_gets_a_token_with_its_scope(base_url: str, world: World) -> None:
    key = json.loads(world.google_service_account_json(base_url))
    assertion = signed_jwt(key, jwt_claims(key, ANALYTICS_SCOPE, world.now()))
    body = ask_token(base_url, grant_type=JWT_GRANT, assertion=assertion).json()
    assert (body["expires_in"], body["scope"], body["token_type"]) == (3600, ANALYTICS_SCOPE, "Bearer")


def test_a_client_may_sign_with_the_real_clock(base_url: str, world: World) -> None:
    key = world.google_service_account(base_url)
    assertion = signed_jwt(key, jwt_claims(key, ANALYTICS_SCOPE, datetime.now(UTC)))
    assert ask_token(base_url, grant_type=JWT_GRANT, assertion=assertion).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "https://elsewhere.example/token"},
        {"iss": "somebody@else.example"},
        {"exp": 1},
        {"exp": 4_000_000_000},
        {"scope": ""},
    ],
)
def test_bad_claims_are_refused(base_url: str, world: World, wrong: dict[str, Any]) -> None:
    key = world.google_service_account(base_url)
    assertion = signed_jwt(key, jwt_claims(key, ANALYTICS_SCOPE, world.now()) | wrong)
    answer = ask_token(base_url, grant_type=JWT_GRANT, assertion=assertion)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_a_foreign_signature_is_refused(base_url: str, world: World) -> None:
    key = world.google_service_account(base_url)
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    claims = jwt_claims(key, ANALYTICS_SCOPE, world.now())
    assertion = signed_jwt({**key, "private_key": foreign.decode()}, claims)
    answer = ask_token(base_url, grant_type=JWT_GRANT, assertion=assertion)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_refresh_token_and_wrong_client(base_url: str, world: World) -> None:
    secrets = world.secrets
    form = {
        "grant_type": "refresh_token",
        "client_id": secrets["google_oauth_client_id"],
        "client_secret": secrets["google_oauth_client_secret"],
        "refresh_token": secrets["google_oauth_refresh_token"],
    }
    assert ADWORDS_SCOPE in ask_token(base_url, **form).json()["scope"]
    assert ask_token(base_url, **(form | {"client_secret": "no"})).json()["error"] == "invalid_client"
    assert ask_token(base_url, **(form | {"refresh_token": "no"})).json()["error"] == "invalid_grant"
    assert ask_token(base_url, grant_type="password").json()["error"] == "unsupported_grant_type"
