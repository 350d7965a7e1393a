"""routing, put together."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from chassis import service
from chassis.database import Tx
from chassis.service import Service
from contracts import topics
from contracts.envelope import Event
from contracts.rule_sets import RuleSetApproved, RuleSetChecked, RuleSetProposed
from services.routing import free_text, packs, store
from services.routing.api import add_routes
from services.routing.handlers import handlers
from services.routing.packs import Examined
from services.routing.rules import lifecycle
from services.routing.rules.clock import local_day
from services.routing.rules.lifecycle import Life
from services.routing.rules.tables import InvalidTable
from services.routing.settings import Settings
from services.routing.suggesting import Texts
from services.routing.work import bring_into_force, suggest_departments, tell_what_does_not_count


def build(settings: Settings) -> Service:
    """The service."""
    texts = read_texts(settings)
    return Service(
        "routing",
        "services.routing",
        topics.CASES,
        handlers,
        add_routes=partial(add_routes, settings=settings, texts=texts),
        prepare=partial(load_city, settings.city),
        work=(bring_into_force, tell_what_does_not_count, partial(suggest_departments, texts=texts)),
    )


def read_texts(settings: Settings) -> Texts:
    """What suggestions from free text are made by. Raises InvalidModel."""
    path = settings.text_model
    return Texts(settings.text_fact, None if path is None else free_text.load(path.read_bytes(), file=str(path)))


async def load_city(city: Path, tx: Tx) -> Sequence[Event]:
    """Where nothing decides yet, prove the city pack, let it decide and say so. Raises InvalidTable before anything is consumed.

    Where something does, a changed pack is proposed, tried and approved like any other rule set: a start replaces nothing,
    and a broken pack on disk stops nothing.
    """
    await store.lock_installation(tx)
    if await store.terms(tx):
        return ()
    files = packs.read_folder(city)
    examined = packs.examine(files, local_day(tx.now))
    if examined.errors:
        found = next(finding for finding in examined.findings if finding.is_error)
        raise InvalidTable(f"{city}: {found.words.en} See `madoguchi city check {city}`.")
    await store.keep_rule_set(tx, examined.hash, packs.dump(files))
    life = lifecycle.installed(examined.hash, tx.now)
    await store.begin_life(tx, life, city.name, b"[]")
    return _installed(examined, life, city.name, tx.now)


def _installed(examined: Examined, life: Life, city: str, at: datetime) -> Sequence[Event]:
    """The first rules have a life like all others; their proposal and approval are the installation's."""
    about: Any = {"rule_set": examined.hash, "at": at}
    who = life.proposed_by
    return (
        RuleSetProposed(**about, staff=who, note=city, tables=examined.tables, rows=examined.rows),
        RuleSetChecked(**about, errors=0, warnings=len(examined.findings)),
        RuleSetApproved(**about, staff=who, in_force_from=at),
    )


def main() -> None:
    """`madoguchi-routing`."""
    service.main("routing", build, Settings)


if __name__ == "__main__":
    main()
