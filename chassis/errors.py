"""What can go wrong, and whose fault it is.

ChassisError
├── Poison      this message can never be handled: park it, let every other one pass
│   └── Foreign it came over the edge and is no event, or not its sender's to say: no fault of ours, however many there are
├── Transient   something we depend on is away, or the fault is ours: nobody is guilty, pause and try again
├── Fenced      another instance owns this lane or relay now: forget what we hold and read again
├── WrongSchema the database is not the one this code was written for
└── Refused     a command that the state of things does not allow; the caller is told why
    └── Suspicious  and that nobody sends who means well, or whose keys fit: somebody here is told at once, too
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence

import asyncpg

# Classes of SQLSTATE that say "this row": data exception, integrity violation. PostgreSQL, appendix A.
_ABOUT_THE_DATA = ("22", "23")

DATABASE_FAULTS: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a call of the database ends with that is not our bug.

The last is asyncpg's word for a server that died between two messages of one call (MagicStack/asyncpg#784).
"""


class ChassisError(Exception):
    """The root of the tree above."""


class Poison(ChassisError):
    """Raised by a handler, or by decoding, for a message that no repetition can cure."""


class Foreign(Poison):
    """Raised by a handler of the edge for what is no event, or is not its sender's to say.

    `reasons` say why, by the place in the batch: all of them are parked at once, without a search for the guilty, nobody
    waits behind one, and they are no sign that something here is broken. Reasons are kept and logged: no value that was sent.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        """Raises ValueError without a reason: a batch is not refused for none of its records."""
        if not reasons:
            raise ValueError("a Foreign names at least one record")
        super().__init__("; ".join(sorted(set(reasons.values()))))
        self.reasons = reasons

    def causes(self) -> Mapping[int, str]:
        """What is written of each."""
        return {place: f"{name_of(self)}: {reason}" for place, reason in self.reasons.items()}


class Transient(ChassisError):
    """Raised for a fault that time or an operator cures."""


class Fenced(ChassisError):
    """The row that fences this lane or relay has moved without us."""


class WrongSchema(ChassisError):
    """The schema version in the database does not go with this code."""


class Refused(ChassisError):
    """A command refused for a reason its sender can act upon. `code` is stable, `message` is for people."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        who: str | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        """`status` is the HTTP status the refusal is answered with, `headers` what goes with it, `errors` the faulty fields.

        `who` is for the log, where it is known who was refused: the name of a system, never of a person.
        """
        super().__init__(code)
        self.status, self.code, self.message, self.headers, self.who = status, code, message, headers, who
        self.errors = errors


class Suspicious(Refused):
    """A command refused that somebody must look into: what came was tampered with, or a key of ours is not there."""


def is_poison(error: BaseException) -> bool:
    """Whether the message is guilty rather than the world around it.

    A fault of PostgreSQL is the message's only when it is about its data; everything else about the database, the network
    or memory is transient. What remains is a bug that this message met and others did not.
    """
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "")[:2] in _ABOUT_THE_DATA
    if isinstance(error, (Transient, Fenced, MemoryError, *DATABASE_FAULTS)):
        return False
    return isinstance(error, Exception)


def name_of(error: BaseException) -> str:
    """The class of an error, which is all that may be logged of it: a message can quote the data it choked on."""
    sqlstate = getattr(error, "sqlstate", None)
    return f"{type(error).__module__}.{type(error).__qualname__}" + (f"[{sqlstate}]" if sqlstate else "")


def cause_of(error: BaseException) -> str:
    """Why the one event that was handled is parked."""
    return error.causes()[0] if isinstance(error, Foreign) else name_of(error)


def told(error: BaseException) -> str:
    """What is said of an error that nobody caught: the class and the places of each in it, and a message only where it is ours."""
    return "\n".join(_lines(error))


def _lines(error: BaseException) -> Iterator[str]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _lines(one)
        return
    yield f"{name_of(error)}: {error}" if isinstance(error, ChassisError) else name_of(error)
    yield from (
        f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    )
