"""Signs in to Google's APIs: a service account's signed claim or a person's refresh token buys an access.

Both grants are one form posted to one address, so no library of Google's is needed. The token is kept until
shortly before it runs out and renewed at once when an API refuses it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.http import HttpClient, Patience, RefusedError

TOKEN_URL = "https://oauth2.googleapis.com/token"
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLAIM_LIFETIME = timedelta(minutes=59)  # Google accepts an hour at most
RENEWED_BEFORE = timedelta(minutes=2)

Form = Callable[[datetime], Mapping[str, str]]
"""What proves who asks, at an instant: the form posted for a token."""


@dataclass(frozen=True)
class ServiceAccount:
    """A service account's key file, checked. Its token address is Google's unless the file says otherwise."""

    email: str
    key: rsa.RSAPrivateKey
    token_url: str

    @classmethod
    def read(cls, text: SecretStr, subject: str) -> ServiceAccount:
        """Read the key file's JSON.

        Raises:
            AuthenticationError: it is not the JSON of a service account's key.
        """
        try:
            found = json.loads(text.get_secret_value())
            key = load_pem_private_key(found["private_key"].encode(), None)
            email, token_url = found["client_email"], found.get("token_uri", TOKEN_URL)
        except (ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm):
            raise _unusable(subject) from None
        if not isinstance(key, rsa.RSAPrivateKey) or not isinstance(email, str):
            raise _unusable(subject)
        return cls(email, key, str(token_url))

    def form(self, scope: str, now: datetime) -> Mapping[str, str]:
        """A claim signed with the key (RS256), good for one hour."""
        issued_at = int(now.timestamp())
        claims = {
            "iss": self.email,
            "scope": scope,
            "aud": self.token_url,
            "iat": issued_at,
            "exp": issued_at + int(CLAIM_LIFETIME.total_seconds()),
        }
        signed = f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return {"grant_type": JWT_GRANT, "assertion": f"{signed}.{_base64(signature)}"}


def refresh_form(
    client_id: SecretStr, client_secret: SecretStr, refresh_token: SecretStr
) -> Mapping[str, str]:
    """The form by which a person's lasting consent is exchanged for an access token."""
    return {
        "grant_type": "refresh_token",
        "client_id": client_id.get_secret_value(),
        "client_secret": client_secret.get_secret_value(),
        "refresh_token": refresh_token.get_secret_value(),
    }


class GoogleToken:
    """An access token, fetched when first needed; call it as `HttpClient`'s `authorize`.

    `renewal` says in errors how a person gets new credentials.

    Raises:
        AuthenticationError: Google refuses the credentials.
    """

    def __init__(
        self,
        token_url: str,
        form: Form,
        *,
        now: Callable[[], datetime],
        subject: str,
        renewal: str,
        patience: Patience,
    ) -> None:
        self._token_url = token_url
        self._form = form
        self._now = now
        self._subject = subject
        self._renewal = renewal
        self._patience = patience
        self._header: Mapping[str, str] = {}
        self._good_until: datetime | None = None

    def __call__(self, renew: bool) -> Mapping[str, str]:
        if renew or self._good_until is None or self._now() >= self._good_until:
            self._fetch()
        return self._header

    def _fetch(self) -> None:
        asked_at = self._now()
        form = self._form(asked_at)
        with HttpClient(
            self._token_url,
            subject=f"{self._subject}, signing in to Google",
            credentials=self._renewal,
            secrets=[value for name, value in form.items() if name != "grant_type"],
            explain=_oauth_error,
            patience=self._patience,
        ) as http:
            try:
                answer = http.post_json(self._token_url, form=form)
            except RefusedError as error:
                if error.status != 400:
                    raise
                # Google answers 400, not 401, to a revoked token or a claim it does not accept.
                raise AuthenticationError(error.what, why=error.why, mend=self._renewal) from None
        token = Fields(answer, "token", self._subject)
        self._header = {"Authorization": f"Bearer {token.text('access_token')}"}
        lifetime = timedelta(seconds=token.integer("expires_in"))
        self._good_until = asked_at + max(lifetime - RENEWED_BEFORE, lifetime / 2)


def google_error(body: Any) -> str:
    """Status and reasons of a Google API's error; a stream wraps it in a list. Messages are left out."""
    if isinstance(body, list):
        body = body[0] if body else None
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return ""
    return ", ".join([str(error.get("status", "")), *_reasons(error.get("details") or ())]).strip(", ")


def _reasons(details: Any) -> list[str]:
    found: list[str] = []
    for detail in details:
        if isinstance(detail, dict):
            found += [str(detail["reason"])] if "reason" in detail else []
            for one in detail.get("errors") or ():
                found += [f"{kind} {code}" for kind, code in (one.get("errorCode") or {}).items()]
    return found


def _unusable(subject: str) -> AuthenticationError:
    return AuthenticationError(
        f"{subject}: the service account's key cannot be used.",
        why="It is not the JSON that Google gives for a service account's key.",
        mend="Google Cloud console, IAM, Service accounts, Keys: add a key and set the whole JSON it gives.",
    )


def _oauth_error(body: Any) -> str:
    return str(body.get("error", "")) if isinstance(body, dict) else ""


def _encoded(part: Mapping[str, Any]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
