"""notify, put together."""

from functools import partial

from chassis import service
from chassis.service import Service
from contracts import topics
from sealing.adapters import open_unwrapping
from sealing.opener import Opener
from services.notify.handlers import handlers
from services.notify.seals import Seals
from services.notify.settings import Settings
from services.notify.work import send_notices


def build(settings: Settings) -> Service:
    """The service."""
    seals = Seals(Opener(open_unwrapping(settings.opening_keyring)))
    return Service(
        "notify",
        "services.notify",
        topics.NOTICES,
        handlers.given(seals.foresee, seals=seals),
        work=(partial(send_notices, settings=settings, seals=seals),),
    )


def main() -> None:
    """`madoguchi-notify`."""
    service.main("notify", build, Settings)


if __name__ == "__main__":
    main()
