"""Why a broker and we do not come to speak with each other at all: asked when they do not, and answered with what to do.

The clients' own errors do not say: aiokafka names the address and no reason, librdkafka quotes OpenSSL.
"""

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

from chassis.broker import Broker
from chassis.errors import Transient

SECONDS = 5.0

# OpenSSL, x509_vfy.h.
_NOT_YET, _ENDED = 9, 10
_OTHER_NAME, _OTHER_ADDRESS = 62, 64

_NO_TLS = (ssl.SSLError, ConnectionResetError)
"""How a port that speaks something else ends a handshake; a certificate's own errors are caught before these."""


async def explained(error: Transient, broker: Broker) -> Transient:
    """The same error with what to do, where no client of ours could speak with this broker; itself where one can."""
    found = await trouble(broker)
    return Transient(f"{error}: {found}") if found else error


async def trouble(broker: Broker, seconds: float = SECONDS) -> str | None:
    """What keeps us from speaking with the first broker named, and what to do about it; None when nothing does.

    Who is let in is another matter: this looks at addresses, TLS and certificates, and sends no login.
    """
    address = broker.bootstrap.partition(",")[0]
    try:
        return await (_encrypted if broker.security == "SASL_SSL" else _in_clear)(broker, address, seconds)
    except ValueError:
        return f"KAFKA_BOOTSTRAP={address} is no host:port"
    except (OSError, TimeoutError) as error:
        return f"{address} does not answer ({_words(error)}): start Kafka, or mend KAFKA_BOOTSTRAP"


async def _encrypted(broker: Broker, address: str, seconds: float) -> str | None:
    try:
        context = broker.trust()
    except OSError as error:
        return f"{error.filename} {error.strerror}"
    try:
        await _shake(address, context, seconds)
    except ssl.SSLCertVerificationError as error:
        return _certificate(error, address, broker.ca)
    except _NO_TLS:
        return f"{address} does not speak TLS: take its port that does, or KAFKA_SECURITY=SASL_PLAINTEXT where nobody can listen in"
    return None


async def _in_clear(broker: Broker, address: str, seconds: float) -> str | None:
    """A port that shakes hands takes nothing in clear: whatever its certificate, for no login is sent."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        await _shake(address, anybody, seconds)
    except _NO_TLS:
        return None
    return (
        f"{address} speaks TLS and KAFKA_SECURITY={broker.security} does not: set it to SASL_SSL,"
        " and KAFKA_CA to the file that whoever runs Kafka hands out"
    )


def _certificate(error: ssl.SSLCertVerificationError, address: str, ca: str | None) -> str:
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return f"the certificate of {address} is for another host: write a name that it bears into KAFKA_BOOTSTRAP, or give the broker one for this"
    if error.verify_code in (_NOT_YET, _ENDED):
        return f"the certificate of {address} is not valid today ({error.verify_message}): renew it, or set the clock right"
    trusted = f"KAFKA_CA={ca}" if ca else "what this machine trusts (KAFKA_CA is not set)"
    return (
        f"the certificate of {address} is not signed by {trusted}, so this may be somebody else's broker"
        f" ({error.verify_message}): set KAFKA_CA to the file that whoever runs Kafka hands out"
    )


async def _shake(address: str, context: ssl.SSLContext, seconds: float) -> None:
    """Raises ValueError for what is no address."""
    parts = urlsplit(f"//{address}")
    if not parts.hostname or not parts.port:
        raise ValueError(address)
    async with asyncio.timeout(seconds):
        _, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__
