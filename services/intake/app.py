"""intake, put together."""

import secrets
from functools import partial

from chassis import service
from chassis.service import Service
from contracts import topics
from sealing.adapters import open_unwrapping, open_wrapping
from sealing.opener import Opener
from sealing.sealer import Sealer
from services.intake.api import add_routes
from services.intake.digest_keys import DigestKeys
from services.intake.handlers import handlers
from services.intake.legal_bases import NOWHERE, LegalBases, read_legal_bases
from services.intake.retention import read_retention
from services.intake.seals import Seals
from services.intake.settings import Settings
from services.intake.tokens import Tokens


def build(settings: Settings) -> Service:
    """The service."""
    edge = open_unwrapping(settings.edge_keyring)
    digests = DigestKeys(open_wrapping(settings.edge_keyring), edge)
    retention = read_retention(settings.city, settings.retention)
    seals = Seals(Sealer(open_wrapping(settings.keyring)), Opener(edge), retention, digests, *_numbers(settings))
    key = settings.token_key.get_secret_value().encode() if settings.token_key else secrets.token_bytes(32)
    tokens = Tokens(key, settings.token_seconds)
    return Service(
        "intake",
        "services.intake",
        topics.INTAKE,
        handlers.given(seals.foresee, seals=seals, own=settings.city_sources),
        add_routes=partial(add_routes, settings=settings, seals=seals, tokens=tokens),
        begin=digests.begin,
        work=(digests.work,),
    )


def _numbers(settings: Settings) -> tuple[LegalBases, Sealer | None]:
    """Where Individual Numbers may be kept, and what seals them: nowhere without keys for them."""
    if settings.number_keyring is None:
        return NOWHERE, None
    return read_legal_bases(settings.city), Sealer(open_wrapping(settings.number_keyring))


def main() -> None:
    """`madoguchi-intake`."""
    service.main("intake", build, Settings)


if __name__ == "__main__":
    main()
