"""notify, put together."""

from functools import partial

from chassis import service
from chassis.service import Service
from contracts import topics
from services.notify.handlers import handlers
from services.notify.settings import Settings
from services.notify.work import send_notices


def build(settings: Settings) -> Service:
    """The service."""
    return Service(
        "notify", "services.notify", topics.NOTICES, handlers, work=(partial(send_notices, settings=settings),)
    )


def main() -> None:
    """`madoguchi-notify`."""
    service.main("notify", build, Settings)


if __name__ == "__main__":
    main()
