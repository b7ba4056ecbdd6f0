"""The state all simulated vendors share: the shop, the clock, the credentials, the faults, the log.

The clock stands still until somebody sets it: answers must not depend on how long a test runs.
Only throttling is measured in real time (`ticks`), which a test may replace as well.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ecom_pipeline.sandbox.events import Shop
from ecom_pipeline.sandbox.faults import Faults

SECRET_CANARY = "canary-secret"
"""Part of every credential: finding it anywhere outside the credential store is a leak."""

PERSONAL_CANARY = "canary-personal"
"""Part of every name, address and note about a person that clients must not store."""

# What some vendors' keys begin with; other secrets are just themselves.
SECRET_PREFIXES = {
    "shopify_access_token": "shpat_",
    "stripe_api_key": "rk_test_",
    "google_oauth_client_secret": "GOCSPX-",
    "google_oauth_refresh_token": "1//",
}


@dataclass(frozen=True)
class LoggedRequest:
    """One request as a vendor saw it. `headers` tells for credentials only that they were there."""

    vendor: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    status: int
    bytes: int
    fault: str | None = None


@dataclass(frozen=True)
class GoogleToken:
    """An access token Google handed out."""

    scopes: frozenset[str]
    expires_at: datetime


@dataclass
class World:
    """A shop, seen by its vendors at `now()`."""

    shop: Shop
    clock: datetime
    secrets: dict[str, str] = field(init=False, repr=False)
    accounts: dict[str, str] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    log: list[LoggedRequest] = field(default_factory=list)
    missing_rights: set[tuple[str, str]] = field(default_factory=set)  # (vendor, right)
    throttles: dict[str, int] = field(default_factory=dict)  # vendor: requests per second; absent: none
    ga4_reads_at_most: int | None = None  # events of a report; of more, it is made from a sample
    ticks: Callable[[], float] = time.monotonic
    google_token_seconds: int = 3600
    google_tokens: dict[str, GoogleToken] = field(default_factory=dict)
    recent: dict[str, deque[float]] = field(default_factory=dict)  # ticks of the last second, by vendor

    def __post_init__(self) -> None:
        self.set_now(self.clock)
        self.secrets = Secrets(self.shop.seed)
        self.accounts = {
            "ga4_property_id": "412345678",
            "google_ads_customer_id": "5551234567",
            "google_ads_login_customer_id": "5559876543",
            "google_service_account": "reporting@sandbox-project.iam.gserviceaccount.com",
            "shopify_domain": self.shop.domain,
            "stripe_account": "acct_" + digest(self.shop.seed, "stripe_account")[:16],
            "qonto_organization": "sandbox-shop-4242",
        } | self.accounts

    def now(self) -> datetime:
        """The instant, in UTC, as of which the vendors answer."""
        return self.clock

    def set_now(self, now: datetime) -> None:
        """Move the clock, in either direction. Raises ValueError for a time without a zone."""
        if now.tzinfo is None:
            raise ValueError("the clock needs an instant with a time zone")
        self.clock = now.astimezone(UTC)

    def now_local(self) -> datetime:
        return self.clock.astimezone(ZoneInfo(self.shop.time_zone))

    def lacks(self, vendor: str, right: str) -> bool:
        """Whether the credentials were given without this right."""
        return (vendor, right) in self.missing_rights

    def throttled(self, vendor: str) -> bool:
        """Count a request; True when it is more than the vendor's throttle lets pass in a second."""
        limit = self.throttles.get(vendor)
        if limit is None:
            return False
        tick, passed = self.ticks(), self.recent.setdefault(vendor, deque())
        while passed and passed[0] <= tick - 1:
            passed.popleft()
        if len(passed) >= limit:
            return True
        passed.append(tick)
        return False

    def google_service_account(self, base_url: str) -> dict[str, str]:
        """The service account's key file for a sandbox served at `base_url`."""
        email = self.accounts["google_service_account"]
        return {
            "type": "service_account",
            "project_id": "sandbox-project",
            "private_key_id": f"{SECRET_CANARY}-key-1",
            "private_key": google_private_key_pem(),
            "client_email": email,
            "client_id": "100000000000000000001",
            "token_uri": f"{base_url}/google-oauth/token",
        }

    def google_service_account_json(self, base_url: str) -> str:
        return json.dumps(self.google_service_account(base_url))


def digest(seed: int, *names: object) -> str:
    """A stable hexadecimal name for something of this shop that the generator does not number."""
    return hashlib.sha256(":".join(map(str, (seed, *names))).encode()).hexdigest()


class Secrets(dict[str, str]):
    """The credentials the vendors gave out, by name; one nobody asked for yet is made when asked for."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def __missing__(self, name: str) -> str:
        secret = f"{SECRET_PREFIXES.get(name, '')}{SECRET_CANARY}-{digest(self._seed, name)[:20]}"
        self[name] = secret
        return secret


@cache
def google_private_key() -> rsa.RSAPrivateKey:
    """The test service account's key, made once per process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def google_private_key_pem() -> str:
    """The test service account's key as its key file holds it."""
    return (
        google_private_key()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )
