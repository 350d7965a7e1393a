"""Access tokens that stand for an API key for some minutes: JSON Web Tokens, HS256, as RFC 9068 lays them out.

A token is worth nothing without its key: when that is revoked or over, so are its tokens. Whoever reads the database finds
nothing to make tokens of.
"""

from datetime import datetime, timedelta
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_HEADER = {"alg": "HS256", "typ": "at+jwt"}
MALFORMED = (JoseError, ValueError, TypeError)
"""What joserfc raises for a token that is none: the last for a header that is no object, or whose `crit` is no list."""
_ISSUER = "urn:madoguchi:intake"


class Tokens:
    """Makes tokens and reads them. `secret` is at least 32 random bytes that all processes of intake share."""

    def __init__(self, secret: bytes, seconds: int) -> None:
        """A token lives `seconds`."""
        self._key = OctKey.import_key(secret)
        self.seconds = seconds

    def issue(self, prefix: str, system: str, now: datetime) -> str:
        """A token for the key with this prefix."""
        claims = {
            "iss": _ISSUER,
            "aud": _ISSUER,
            "sub": system,
            "client_id": prefix,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(seconds=self.seconds)).timestamp()),
            "jti": uuid4().hex,
        }
        return jwt.encode(_HEADER, claims, self._key, algorithms=["HS256"])

    def prefix_of(self, text: str, now: datetime) -> str | None:
        """Which key a token stands for, None when it is forged, over, or no token of ours."""
        expected = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            iss={"essential": True, "value": _ISSUER},
            aud={"essential": True, "value": _ISSUER},
            exp={"essential": True},
            client_id={"essential": True},
        )
        try:
            token = jwt.decode(text, self._key, algorithms=["HS256"])
            expected.validate(token.claims)
        except MALFORMED:
            return None
        return str(token.claims["client_id"]) if token.header.get("typ") == "at+jwt" else None
