"""Before every route of a service that staff sign in to with a browser: a session or an access token, and from where."""

from dataclasses import dataclass

from fastapi import Request

from access import back_channel, sessions
from access.guard import admit, bearer_of
from access.permissions import Permissions, Route
from access.principal import Principal, sign_in_first
from access.signing_in import Entrance
from chassis.database import Tx
from chassis.errors import Refused
from contracts.envelope import Event

SAFE = ("GET", "HEAD", "OPTIONS")

PUBLIC: frozenset[Route] = frozenset({("GET", "/login"), ("GET", "/callback"), ("POST", "/logout")})
"""What is asked by whoever is not signed in yet, or no more."""


BY_THE_PROVIDER: frozenset[Route] = frozenset({("POST", back_channel.PATH)})
"""What the provider itself asks, no browser: it bears no `Origin`, and what lets it in is a signature."""


def foreign_origin() -> Refused:
    """The browser came from another site."""
    return Refused(
        403,
        "foreign-origin",
        "別のサイトからの操作は受け付けられません。 The request comes from another site: it is refused.",
    )


@dataclass(frozen=True, slots=True)
class BrowserGuard:
    """Asks for a session or a token before every route."""

    entrance: Entrance
    permissions: Permissions

    async def __call__(self, request: Request) -> None:
        """Let pass, or raise Refused: 401 when nobody is signed in, 403 when they may not."""
        token = bearer_of(request)
        route = (request.method, request.scope["route"].path)
        if route in BY_THE_PROVIDER:
            return
        if request.method not in SAFE and token is None:
            _check_origin(request, self.entrance.settings.origin)
        if route in PUBLIC:
            return
        admit(request, await self._who(request, token), self.permissions)

    async def _who(self, request: Request, token: str | None) -> Principal:
        if token is not None:
            return await self.entrance.provider.issuer.bearer(token)
        cookie = request.cookies.get(self.entrance.cookie("session"))
        if cookie is None or (who := await self.entrance.commands.run(lambda tx: self._found(tx, cookie))) is None:
            raise sign_in_first()
        return who

    async def _found(self, tx: Tx, cookie: str) -> tuple[Principal | None, list[Event]]:
        return await sessions.found(tx, cookie, self.entrance.limits), []


def _check_origin(request: Request, own: str) -> None:
    """A browser says where an unsafe request comes from; one that does not is no browser of ours."""
    if request.headers.get("origin") != own:
        raise foreign_origin()
