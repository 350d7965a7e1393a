"""desk, put together."""

from functools import partial

from chassis import service
from chassis.database import utc_now
from chassis.service import Service
from contracts import topics
from sealing.adapters import open_unwrapping, open_wrapping
from sealing.keyring import key_name
from sealing.opener import Opener
from sealing.sealer import Sealer
from services.desk import separation
from services.desk.api import add_routes
from services.desk.command_digests import Keying
from services.desk.handlers import handlers
from services.desk.index_keys import IndexKeys
from services.desk.seals import Seals
from services.desk.settings import Settings


def build(settings: Settings) -> Service:
    """The service."""
    wrapping, unwrapping = open_wrapping(settings.keyring), open_unwrapping(settings.opening_keyring)
    index = IndexKeys(wrapping, unwrapping)
    numbers = Opener(open_unwrapping(settings.number_keyring)) if settings.number_keyring else None
    index.want({key_name(settings.retention, utc_now())})
    seals = Seals(Sealer(wrapping), Opener(unwrapping), index, settings.retention, numbers)
    return Service(
        "desk",
        "services.desk",
        topics.DESK,
        handlers.given(seals.foresee, seals=seals),
        add_routes=partial(add_routes, settings=settings, seals=seals),
        begin=index.begin,
        work=(index.work, Keying(index, settings.retention).work),
        scope=separation.EVERYTHING,
        unsaid=separation.NOBODY,
    )


def main() -> None:
    """`madoguchi-desk`."""
    service.main("desk", build, Settings)


if __name__ == "__main__":
    main()
