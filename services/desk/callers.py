"""On whose behalf a route works: the guard has found out who it is, here it becomes what they see and sign."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from access import back_channel, sessions, signing_in
from access.browsers import BrowserGuard
from access.guard import caller_of, stand_before
from access.issuer import Issuer
from access.principal import Principal, not_allowed, other_department, signed
from access.provider import Provider
from access.signing_in import Entrance
from chassis.commands import Commands
from chassis.database import Tx
from contracts.envelope import Event, Model
from services.desk import separation
from services.desk.permissions import PERMISSIONS
from services.desk.settings import Settings

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and commands that see what they may see."""

    who: Principal
    commands: Commands

    @property
    def staff(self) -> str:
        """The name that is written into every event."""
        return self.who.staff

    def signed(self, order: M) -> M:
        """The order in the caller's name. Raises Refused as `access.principal.signed` does."""
        return signed(order, self.who)

    def check_department(self, code: str) -> None:
        """Nothing, for one's own department. Raises Refused for another."""
        if code not in self.who.departments:
            raise other_department()


def _unknown(_: Request) -> Caller:
    raise not_allowed()


def _caller(request: Request) -> Caller:
    find: Callable[[Request], Caller] = getattr(request.app.state, "caller", _unknown)
    return find(request)


Asking = Annotated[Caller, Depends(_caller)]
"""A parameter of every route that is about cases."""


def guard(app: FastAPI, commands: Commands, settings: Settings) -> None:
    """Put the guard before every route that is added from here on, and add those of signing in."""
    entrance = Entrance(settings, Provider(settings, Issuer(settings)), commands)
    stand_before(app, BrowserGuard(entrance, PERMISSIONS))
    app.state.caller = partial(_found, commands=commands)
    signing_in.add_routes(app, entrance)
    back_channel.add_routes(app, entrance)
    _add_staff(app)


def _found(request: Request, commands: Commands) -> Caller:
    found = caller_of(request)
    scope = separation.EVERYTHING if found.where == "any" else separation.only(found.who.departments)
    return Caller(found.who, commands.within(scope))


def _add_staff(app: FastAPI) -> None:
    @app.get("/v1/me")
    async def me(asking: Asking) -> JSONResponse:
        """Who I am to the desk."""
        who = asking.who
        return JSONResponse({"staff": who.staff, "roles": sorted(who.roles), "departments": sorted(who.departments)})

    @app.post("/v1/staff/{staff}/sign-out")
    async def sign_out(staff: str, asking: Asking) -> JSONResponse:
        """End every session of somebody, at once; bearer tokens end by themselves, as the provider made them."""
        return JSONResponse({"ended": await asking.commands.run(lambda tx: _end_all(tx, staff))})


async def _end_all(tx: Tx, staff: str) -> tuple[int, list[Event]]:
    return await sessions.end_all(tx, staff), []
