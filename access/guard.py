"""Before every route: who asks, from where, and whether the table of permissions lets them. What is not in the table is shut."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from access import sessions
from access.principal import Principal, not_allowed, other_department, sign_in_first
from access.signing_in import Entrance
from chassis.database import Tx
from chassis.errors import Refused
from contracts.envelope import Event

Where = Literal["own", "any"]
"""Whose cases: those of one's own departments, or of all."""

Route = tuple[str, str]
"""Method and path, as the application names it: `("GET", "/v1/cases/{case_id}")`."""

SAFE = ("GET", "HEAD", "OPTIONS")


def foreign_origin() -> Refused:
    """The browser came from another site."""
    return Refused(
        403,
        "foreign-origin",
        "別のサイトからの操作は受け付けられません。 The request comes from another site: it is refused.",
    )


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may: those with one of `roles`, everybody who is signed in where it is None; `department` is the path's parameter."""

    roles: frozenset[str] | None
    where: Where = "own"
    department: str | None = None


PUBLIC: frozenset[Route] = frozenset({("GET", "/login"), ("GET", "/callback"), ("POST", "/logout")})
"""What is asked by whoever is not signed in yet, or no more."""


def refusal(permission: Permission | None, who: Principal, named: str | None) -> Refused | None:
    """Why not, None when they may. `named` is the department that the path names."""
    if permission is None or not (permission.roles is None or permission.roles & who.roles):
        return not_allowed()
    if permission.where == "own" and named is not None and named not in who.departments:
        return other_department()
    return None


@dataclass(frozen=True, slots=True, eq=False)  # FastAPI keeps its dependencies by hash
class Guard:
    """A dependency of every route. What it found stands in `request.state`: `who`, and `where` of the permission."""

    entrance: Entrance
    permissions: Mapping[Route, Permission]

    async def __call__(self, request: Request) -> None:
        """Let pass, or raise Refused: 401 when nobody is signed in, 403 when they may not."""
        route = (request.method, request.scope["route"].path)
        token = _bearer(request)
        if request.method not in SAFE and token is None:
            _check_origin(request, self.entrance.settings.origin)
        if route in PUBLIC:
            return
        who = await self._who(request, token)
        permission = self.permissions.get(route)
        named = request.path_params.get(permission.department) if permission and permission.department else None
        if refused := refusal(permission, who, named):
            raise refused
        request.state.who, request.state.where = who, permission.where if permission else "own"

    async def _who(self, request: Request, token: str | None) -> Principal:
        if token is not None:
            return await self.entrance.provider.bearer(token)
        cookie = request.cookies.get(self.entrance.cookie("session"))
        if cookie is None or (who := await self.entrance.commands.run(lambda tx: self._found(tx, cookie))) is None:
            raise sign_in_first()
        return who

    async def _found(self, tx: Tx, cookie: str) -> tuple[Principal | None, list[Event]]:
        return await sessions.found(tx, cookie, self.entrance.limits), []


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _check_origin(request: Request, own: str) -> None:
    """A browser says where an unsafe request comes from; one that does not is no browser of ours."""
    if request.headers.get("origin") != own:
        raise foreign_origin()
