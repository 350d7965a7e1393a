"""Before every route of a service that programs of staff reach: an access token says who asks, a table whether they may.

No cookies, no sessions: nothing here that a browser would send by itself, so nothing that another site could have it send.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from fastapi import Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute

from access.issuer import Issuer
from access.permissions import Permissions, Where, refusal
from access.principal import Principal, not_allowed, signed, token_first
from access.settings import TokenSettings
from contracts.envelope import Model

M = TypeVar("M", bound=Model)

Check = Callable[[Request], Awaitable[None]]
"""Lets a request pass, or raises Refused."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and whose cases they may see by the permission of the route."""

    who: Principal
    where: Where

    @property
    def staff(self) -> str:
        """The name that is written into every event."""
        return self.who.staff

    def signed(self, order: M) -> M:
        """The order in the caller's name. Raises Refused when it bears another's."""
        return signed(order, self.who)

    def sees(self, department: str) -> bool:
        """Whether a department's cases are there for them."""
        return self.where == "any" or department in self.who.departments


def caller_of(request: Request) -> Caller:
    """Whom the guard has let in. Raises Refused on a route before which none stands."""
    found: Caller | None = getattr(request.state, "caller", None)
    if found is None:
        raise not_allowed()
    return found


Asking = Annotated[Caller, Depends(caller_of)]
"""A parameter of every route that must know who asks."""


def bearer_of(request: Request) -> str | None:
    """The bearer token of a request, if it has one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def admit(request: Request, who: Principal, permissions: Permissions) -> None:
    """Let somebody pass, as `request.state.caller`. Raises Refused 403 when they may not."""
    permission = permissions.get((request.method, request.scope["route"].path))
    named = request.path_params.get(permission.department) if permission and permission.department else None
    if refused := refusal(permission, who, named):
        raise refused
    request.state.caller = Caller(who, permission.where(who) if permission else "own")


@dataclass(frozen=True, slots=True)
class Guard:
    """Asks for a token before every route."""

    issuer: Issuer
    permissions: Permissions

    async def __call__(self, request: Request) -> None:
        """Let pass, or raise Refused: 401 without a token that holds, 403 when they may not."""
        token = bearer_of(request)
        if token is None:
            raise token_first()
        admit(request, await self.issuer.bearer(token), self.permissions)


def guard(app: FastAPI, settings: TokenSettings, permissions: Permissions) -> None:
    """Put the guard before every route that is added from here on."""
    stand_before(app, Guard(Issuer(settings), permissions))


def stand_before(app: FastAPI, check: Check) -> None:
    """Have `check` asked before every route that is added from here on, and before anything of the body is read.

    As a dependency it would be asked after: FastAPI reads and parses a body first, and strangers' bodies are not read.
    """

    class Locked(APIRoute):
        """A route with a check before it."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """What handles a request."""
            handle = super().get_route_handler()

            async def checked(request: Request) -> Response:
                await check(request)
                return await handle(request)

            return checked

    app.router.route_class = Locked
