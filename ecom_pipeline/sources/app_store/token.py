"""Signs in to App Store Connect: a short-lived token that the client signs itself (ES256)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError

AUDIENCE = "appstoreconnect-v1"
LIFETIME = timedelta(minutes=19)  # Apple accepts twenty at most
HALF = 32  # bytes of each half of a signature on this curve


@dataclass(frozen=True)
class AppStoreToken:
    """Makes tokens with the account's key; call it as `HttpClient`'s `authorize`.

    Raises:
        AuthenticationError: when called, if the key is not the one Apple's file holds.
    """

    issuer_id: str
    key_id: SecretStr
    private_key: SecretStr
    now: Callable[[], datetime]
    subject: str

    def __call__(self, renew: bool) -> Mapping[str, str]:
        issued_at = int(self.now().timestamp())
        claims = {
            "iss": self.issuer_id,
            "iat": issued_at,
            "exp": issued_at + int(LIFETIME.total_seconds()),
            "aud": AUDIENCE,
        }
        header = {"alg": "ES256", "kid": self.key_id.get_secret_value(), "typ": "JWT"}
        signed = f"{_encoded(header)}.{_encoded(claims)}"
        r, s = decode_dss_signature(self._key().sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return {"Authorization": f"Bearer {signed}.{_base64(r.to_bytes(HALF) + s.to_bytes(HALF))}"}

    def _key(self) -> ec.EllipticCurvePrivateKey:
        # In a .env the key's lines may stand on one, with \n between them.
        text = self.private_key.get_secret_value().replace("\\n", "\n")
        try:
            key = load_pem_private_key(text.encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
            return key
        raise AuthenticationError(
            f"{self.subject}: the private key cannot be used.",
            why="It is not what a key file of App Store Connect (.p8) holds.",
            mend="Set the whole content of the file, its first and last line too; Apple lets it be loaded once only.",
        )


def _encoded(part: Mapping[str, object]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
