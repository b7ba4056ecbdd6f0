"""Google's OAuth token endpoint, and the check of its tokens for the Google APIs served here.

Two grants: a service account's signed JWT, and a user's refresh token. A JWT's times may be by the
world's clock or by the real one, since a client signs with the clock of its machine; access tokens
run out by the world's clock.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.world import SECRET_CANARY, GoogleToken, World, digest, google_private_key

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ANALYTICS_SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
ADWORDS_SCOPE = "https://www.googleapis.com/auth/adwords"
WEBMASTERS_SCOPE = "https://www.googleapis.com/auth/webmasters.readonly"
STORAGE_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
SCOPES = frozenset((ANALYTICS_SCOPE, ADWORDS_SCOPE, WEBMASTERS_SCOPE, STORAGE_SCOPE))
LEEWAY = timedelta(minutes=5)
LONGEST = timedelta(hours=1)


class Invalid(Exception):
    """The assertion is not acceptable; the message says why."""


def routes(world: World) -> list[BaseRoute]:
    issuer = TokenIssuer(world)
    return [
        route(world, Vendor("google_token", failure), "/google-oauth/token", issuer.token, ("POST",)),
    ]


class TokenIssuer:
    """Exchanges proofs of identity for access tokens."""

    def __init__(self, world: World) -> None:
        self.world = world

    def token(self, call: Call) -> Answer:
        form = call.form()
        match form.get("grant_type"):
            case value if value == JWT_GRANT:
                try:
                    return self.issued(self.asserted_scopes(form.get("assertion", ""), call.url))
                except Invalid as invalid:
                    return oauth_error(400, "invalid_grant", str(invalid))
            case "refresh_token":
                return self.refreshed(form)
            case None:
                return oauth_error(400, "invalid_request", "Missing parameter: grant_type")
            case other:
                return oauth_error(400, "unsupported_grant_type", f"Invalid grant_type: {other}")

    def refreshed(self, form: dict[str, str]) -> Answer:
        secrets = self.world.secrets
        client = (form.get("client_id"), form.get("client_secret"))
        if client != (secrets["google_oauth_client_id"], secrets["google_oauth_client_secret"]):
            return oauth_error(401, "invalid_client", "The OAuth client was not found.")
        refresh_token = form.get("refresh_token")
        if refresh_token != secrets["google_oauth_refresh_token"]:
            return oauth_error(400, "invalid_grant", "Token has been expired or revoked.")
        return self.issued(SCOPES)

    def issued(self, scopes: frozenset[str]) -> Answer:
        world = self.world
        name = digest(world.shop.seed, "access", len(world.google_tokens), world.now())
        token = f"ya29.{SECRET_CANARY}-{name[:40]}"
        lifetime = timedelta(seconds=world.google_token_seconds)
        world.google_tokens[token] = GoogleToken(scopes, world.now() + lifetime)
        body = {
            "access_token": token,
            "expires_in": world.google_token_seconds,
            "scope": " ".join(sorted(scopes)),
            "token_type": "Bearer",
        }
        return Answer(body)

    def asserted_scopes(self, assertion: str, url: str) -> frozenset[str]:
        """The scopes of a service account's JWT. Raises Invalid when it is not properly signed and dated."""
        claims = verified_claims(assertion)
        if claims.get("iss") != self.world.accounts["google_service_account"]:
            raise Invalid("Invalid grant: account not found")
        if claims.get("aud") != url:
            raise Invalid("Invalid JWT: the audience is not this token endpoint")
        scopes = frozenset(str(claims.get("scope", "")).split())
        if not scopes:
            raise Invalid("Invalid JWT: no scope")
        if not any(in_time(claims, now) for now in (self.world.now(), datetime.now(UTC))):
            raise Invalid("Invalid JWT: iat and exp must be now and at most an hour later")
        return scopes & SCOPES


def verified_claims(assertion: str) -> dict[str, Any]:
    """The claims of an RS256-signed JWT. Raises Invalid for a bad form or signature."""
    try:
        header_part, claims_part, signature_part = assertion.split(".")
        header, claims = json.loads(decoded(header_part)), json.loads(decoded(claims_part))
        signature = decoded(signature_part)
    except ValueError:
        raise Invalid("The assertion is not a JWT.") from None
    if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "RS256":
        raise Invalid("Invalid JWT: the algorithm must be RS256")
    signed = f"{header_part}.{claims_part}".encode()
    try:
        google_private_key().public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        raise Invalid("Invalid JWT Signature.") from None
    return claims


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def in_time(claims: dict[str, Any], now: datetime) -> bool:
    try:
        issued_at = datetime.fromtimestamp(int(claims["iat"]), UTC)
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return False
    return issued_at - LEEWAY <= now < expires_at and expires_at - issued_at <= LONGEST


def refused(world: World, call: Call, scope: str) -> Answer | None:
    """Google's error for a call without a valid access token of the scope; None when it has one."""
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    token = world.google_tokens.get(value) if scheme.lower() == "bearer" else None
    if token is None or token.expires_at <= world.now():
        return unauthenticated("ACCESS_TOKEN_EXPIRED" if token else "CREDENTIALS_MISSING")
    if scope not in token.scopes:
        return google_error(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")
    return None


def unauthenticated(reason: str) -> Answer:
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": "googleapis.com",
        }
    ]
    return google_error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", details)


def google_error(code: int, status: str, message: str, details: list[dict[str, Any]] | None = None) -> Answer:
    """The error body all Google APIs share."""
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return Answer({"error": error}, code)


def google_failure(kind: FailureKind, status: int) -> Answer:
    """General failures in the form all Google APIs share."""
    if kind == "rate_limited":
        return google_error(429, "RESOURCE_EXHAUSTED", "Exhausted the quota for this property or project.")
    if kind == "expired_token":
        return unauthenticated("ACCESS_TOKEN_EXPIRED")
    name = "UNAVAILABLE" if status == 503 else "INTERNAL"
    return google_error(status, name, "The service could not answer.")


def oauth_error(status: int, error: str, description: str) -> Answer:
    return Answer({"error": error, "error_description": description}, status)


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        return oauth_error(429, "rate_limit_exceeded", "Too many token requests.")
    if kind == "expired_token":
        return oauth_error(400, "invalid_grant", "Token has been expired or revoked.")
    return oauth_error(status, "internal_failure", "The token could not be issued.")
