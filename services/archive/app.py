"""archive, put together."""

from functools import partial

from chassis import service
from chassis.service import Service
from contracts import topics
from services.archive.api import add_routes
from services.archive.handlers import handlers
from services.archive.settings import Settings
from services.archive.work import sweep_closing


def build(settings: Settings) -> Service:
    """The service."""
    return Service(
        "archive",
        "services.archive",
        topics.RECORDS,
        handlers,
        add_routes=partial(add_routes, settings=settings),
        work=(sweep_closing,),
    )


def main() -> None:
    """`madoguchi-archive`."""
    service.main("archive", build, Settings)


if __name__ == "__main__":
    main()
