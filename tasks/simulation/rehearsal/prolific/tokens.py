"""The JWTs by which Prolific vouches for whoever it sends, and the public keys that prove them."""

import json
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

LIVES = timedelta(minutes=2)


class Signer:
    """One RSA key, that can be changed for another."""

    def __init__(self) -> None:
        self._number = 1

    def change(self) -> None:
        """From now on sign by another key; the old one is no longer published."""
        self._number += 1

    def token(self, now: datetime, audience: str, subject: str, claim: dict[str, Any]) -> str:
        claims = {
            "iss": "https://www.prolific.com",
            "aud": audience,
            "sub": subject,
            "iat": now,
            "exp": now + LIVES,
            "prolific": claim,
        }
        return jwt.encode(claims, self._private(), "RS256", headers={"kid": self._kid})

    def jwks(self) -> dict[str, Any]:
        key = json.loads(RSAAlgorithm.to_jwk(self._private().public_key()))
        names = {"kid": self._kid, "alg": "RS256", "use": "sig", "key_ops": ["verify"]}
        return {"keys": [{"kty": "RSA", "n": key["n"], "e": key["e"], **names}]}

    @property
    def _kid(self) -> str:
        return f"rehearsal-{self._number}"

    def _private(self) -> rsa.RSAPrivateKey:
        return _key(self._number)


@cache
def _key(number: int) -> rsa.RSAPrivateKey:
    """Made when it is first needed, since it takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
