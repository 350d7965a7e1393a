"""desk, put together."""

from functools import partial

from chassis import service
from chassis.service import Service
from contracts import topics
from services.desk.api import add_routes
from services.desk.handlers import handlers
from services.desk.settings import Settings


def build(settings: Settings) -> Service:
    """The service."""
    return Service("desk", "services.desk", topics.DESK, handlers, add_routes=partial(add_routes, settings=settings))


def main() -> None:
    """`madoguchi-desk`."""
    service.main("desk", build, Settings)


if __name__ == "__main__":
    main()
