"""What goes wrong for a reason a person can act upon, as one sentence."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pydantic import ValidationError


class Trouble(click.ClickException):
    """Ends the command with exit code 1; the message says what to do."""


def explained(error: Exception) -> click.ClickException | None:
    """The sentence for an error from below that is expected; None for one that is a bug."""
    import asyncpg
    import httpx
    from aiokafka.errors import KafkaError
    from pydantic import ValidationError

    from channels.bulk.errors import BulkError
    from chassis.errors import DATABASE_FAULTS, ChassisError
    from deploy.local import StackError
    from sealing.errors import KeyringAway, KeyringRefusal, SealingError
    from services.routing.packs import INVALID

    if isinstance(error, click.ClickException):
        return error
    if isinstance(error, (StackError, ChassisError, BulkError, SealingError, KeyringAway, KeyringRefusal, *INVALID)):
        return Trouble(str(error))
    if isinstance(error, ValidationError):
        return Trouble(_settings(error))
    if isinstance(error, asyncpg.PostgresError):
        # The first line: in what follows stands the row that it did not take.
        return Trouble(f"PostgreSQL says: {str(error).partition(chr(10))[0]}. See `madoguchi doctor`.")
    if isinstance(error, (*DATABASE_FAULTS, KafkaError, httpx.HTTPError)):
        return Trouble(_away(error))
    return None


def _away(error: Exception) -> str:
    """A disk that is full, a file that is named, or a server."""
    if isinstance(error, OSError) and (full := _full(error)):
        return full
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    yours = "".join(f", or mend {name}" for name in _servers_of_ones_own())
    return f"A server does not answer ({name_of(error)}): see `madoguchi status`, or run `madoguchi up`{yours}."


def _full(error: OSError) -> str | None:
    from deploy.local import LocalSettings, disk
    from deploy.local.home import home_of

    return disk.shortage(home_of(LocalSettings.model_validate({})).root, str(error)) if disk.is_full(error) else None


def _servers_of_ones_own() -> list[str]:
    from deploy.local import LocalSettings

    settings = LocalSettings.model_validate({})
    return [_variable(name) for name in ("postgres_dsn", "kafka_bootstrap") if getattr(settings, name)]


def _settings(error: "ValidationError") -> str:
    """The fields of other settings than those of the local servers are named as they are: their variables have other prefixes."""
    from deploy.local import LocalSettings

    faults = error.errors(include_url=False, include_input=False, include_context=False)
    names = [".".join(map(str, fault["loc"])) for fault in faults]
    if error.title == LocalSettings.__name__:
        names = [_variable(name) for name in names]
    return (
        "; ".join(f"{name}: {fault['msg']}" for name, fault in zip(names, faults, strict=True))
        + ". Mend that variable."
    )


def _variable(field: str) -> str:
    return f"MADOGUCHI_{field.upper()}"


def name_of(error: BaseException) -> str:
    """The class of an error and its words, if it has any."""
    words = str(error).splitlines()
    return f"{type(error).__name__}: {words[0]}" if words else type(error).__name__
