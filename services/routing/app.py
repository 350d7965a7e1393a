"""routing, put together."""

from functools import partial
from pathlib import Path

from chassis import service
from chassis.database import Tx
from chassis.service import Service
from contracts import topics
from services.routing import packs, store
from services.routing.api import add_routes
from services.routing.handlers import handlers
from services.routing.rules import lifecycle
from services.routing.rules.clock import local_day
from services.routing.rules.tables import InvalidTable
from services.routing.settings import Settings
from services.routing.work import bring_into_force


def build(settings: Settings) -> Service:
    """The service."""
    return Service(
        "routing",
        "services.routing",
        topics.CASES,
        handlers,
        add_routes=add_routes,
        prepare=partial(load_city, settings.city),
        work=(bring_into_force,),
    )


async def load_city(city: Path, tx: Tx) -> None:
    """Where nothing decides yet, prove the city pack and let it decide. Raises InvalidTable before anything is consumed.

    Where something does, a changed pack is proposed, tried and approved like any other rule set: a start replaces nothing,
    and a broken pack on disk stops nothing.
    """
    await store.lock_installation(tx)
    if await store.terms(tx):
        return
    files = packs.read_folder(city)
    examined = packs.examine(files, local_day(tx.now))
    if examined.errors:
        found = next(finding for finding in examined.findings if finding.is_error)
        raise InvalidTable(f"{city}: {found.words.en} See `madoguchi city check {city}`.")
    await store.keep_rule_set(tx, examined.hash, packs.dump(files))
    await store.begin_life(tx, lifecycle.installed(examined.hash, tx.now), str(city.name), b"[]")


def main() -> None:
    """`madoguchi-routing`."""
    service.main("routing", build, Settings)


if __name__ == "__main__":
    main()
