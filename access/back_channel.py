"""The provider says that somebody has signed out there: POST /backchannel-logout. OpenID Connect Back-Channel Logout 1.0.

It comes from the provider and not from a browser: no cookie, no `Origin`. What lets it in is the provider's signature.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import Response

from access import sessions
from access.issuer import LEEWAY_SECONDS
from access.signing_in import Entrance
from chassis.database import Tx
from chassis.errors import Refused
from chassis.http import body_of
from contracts.envelope import Event

PATH = "/backchannel-logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS = 120
"""How old a logout token may be: those that have come are remembered for longer, so that none is good twice."""
MOST_BYTES = 16_384


def bad_logout_token() -> Refused:
    """What came is no logout token of the provider's, for us, for now and for the first time."""
    return Refused(
        400, "bad-logout-token", "This is no logout token of the provider's for this client, new and in time."
    )


@dataclass(frozen=True, slots=True)
class Logout:
    """Whose sessions end: those of `subject`, or of one session at the provider; never neither. `token_id` is the token's own."""

    token_id: str
    subject: str | None
    session: str | None


def add_routes(app: FastAPI, entrance: Entrance) -> None:
    """One route."""

    @app.post(PATH)
    async def backchannel_logout(request: Request) -> Response:
        """End the sessions that a logout token names, all or one; 200 also where there are none, 400 for any other token."""
        token = _token_in(await body_of(request, MOST_BYTES))
        wanted = {"aud": entrance.settings.oidc_client_id}
        said = logout_of(await entrance.provider.issuer.claims(token, wanted, bad_logout_token), time.time())
        await entrance.commands.run(lambda tx: _end(tx, said))
        return Response(status_code=200, headers={"Cache-Control": "no-store"})


def logout_of(claims: Mapping[str, Any], now: float) -> Logout:
    """What a token whose signature, issuer, audience and end hold says, by §2.6 of the specification. Raises Refused."""
    issued, token_id, events = claims.get("iat"), claims.get("jti"), claims.get("events")
    subject, session = claims.get("sub"), claims.get("sid")
    named = all(one is None or (isinstance(one, str) and one) for one in (subject, session))
    if (
        not isinstance(issued, (int, float))
        or not now - SECONDS <= issued <= now + LEEWAY_SECONDS
        or not (isinstance(token_id, str) and token_id)
        or not (isinstance(events, dict) and isinstance(events.get(EVENT), dict))
        or "nonce" in claims
        or not named
        or subject is session is None
    ):
        raise bad_logout_token()
    return Logout(token_id, subject, session)


def _token_in(body: bytes) -> str:
    found = parse_qs(body.decode("utf-8", "replace")).get("logout_token", [])
    if len(found) != 1:
        raise bad_logout_token()
    return found[0]


async def _end(tx: Tx, said: Logout) -> tuple[None, list[Event]]:
    """A token that has come before is refused: repeated later it would end what has begun since."""
    digest = hashlib.sha256(said.token_id.encode()).digest()
    if not await sessions.claim_logout(tx, digest, timedelta(seconds=2 * SECONDS + 2 * LEEWAY_SECONDS)):
        raise bad_logout_token()
    await sessions.end_at_provider(tx, said.subject, said.session)
    return None, []
