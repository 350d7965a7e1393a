"""intake, put together."""

from functools import partial

from chassis import service
from chassis.service import Service
from contracts import topics
from services.intake.api import add_routes
from services.intake.handlers import handlers
from services.intake.settings import Settings


def build(settings: Settings) -> Service:
    """The service."""
    return Service(
        "intake", "services.intake", topics.INTAKE, handlers, add_routes=partial(add_routes, settings=settings)
    )


def main() -> None:
    """`madoguchi-intake`."""
    service.main("intake", build, Settings)


if __name__ == "__main__":
    main()
