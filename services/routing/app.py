"""routing, put together."""

from functools import partial
from pathlib import Path

from chassis import service
from chassis.database import Tx
from chassis.service import Service
from contracts import topics
from services.routing import store
from services.routing.handlers import handlers
from services.routing.rules.assigning import compile_table
from services.routing.settings import Settings


def build(settings: Settings) -> Service:
    """The service."""
    return Service("routing", "services.routing", topics.CASES, handlers, prepare=partial(load_city, settings.city))


async def load_city(city: Path, tx: Tx) -> None:
    """Load the city pack's rules. Raises InvalidTable, naming the cell, before anything is consumed."""
    content = (city / "rules" / "routing.csv").read_text(encoding="utf-8-sig")
    departments = (city / "departments.csv").read_text(encoding="utf-8-sig")
    table = compile_table("routing", content, departments)
    await store.load_rules(tx, table, content, departments)
    await store.put_in_force(tx, table.hash)


def main() -> None:
    """`madoguchi-routing`."""
    service.main("routing", build, Settings)


if __name__ == "__main__":
    main()
