import asyncio

import asyncpg
import pytest

from chassis.errors import Fenced, Foreign, Poison, Refused, Transient, WrongSchema, cause_of, is_poison, name_of

ABOUT_THE_MESSAGE = [
    Poison("never valid"),
    ValueError("a bug that this message met"),
    KeyError("name"),
    LookupError(),
    ZeroDivisionError(),
    Refused(409, "decided", "It is decided already."),
    asyncpg.UniqueViolationError("duplicate key"),
    asyncpg.ForeignKeyViolationError("no such case"),
    asyncpg.CheckViolationError("negative"),
    asyncpg.NumericValueOutOfRangeError("too large"),
    asyncpg.CharacterNotInRepertoireError("NUL"),
    asyncpg.DataError("what asyncpg itself could not encode"),
]
ABOUT_THE_WORLD = [
    Transient("kafka: away"),
    Fenced("somebody else leads"),
    OSError("no route"),
    ConnectionResetError(),
    TimeoutError(),
    MemoryError(),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 11; another operation (2) is in progress"),
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.CannotConnectNowError("starting up"),
    asyncpg.AdminShutdownError("shut down"),
    asyncpg.TooManyConnectionsError("full"),
    asyncpg.DiskFullError("full"),
    asyncpg.DeadlockDetectedError("a cycle"),
    asyncpg.SerializationError("again"),
    asyncpg.LockNotAvailableError("lock_timeout"),
    asyncpg.QueryCanceledError("statement_timeout"),
    asyncpg.UndefinedTableError("not migrated"),
    asyncpg.InsufficientPrivilegeError("not granted"),
    asyncpg.PostgresError("without a SQLSTATE"),
]


@pytest.mark.parametrize("error", ABOUT_THE_MESSAGE, ids=name_of)
def test_a_fault_of_the_message_is_poison(error: Exception) -> None:
    assert is_poison(error)


@pytest.mark.parametrize("error", ABOUT_THE_WORLD, ids=name_of)
def test_a_fault_of_the_world_parks_nobody(error: Exception) -> None:
    assert not is_poison(error)


@pytest.mark.parametrize("error", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(1)], ids=name_of)
def test_being_stopped_is_nobodys_fault(error: BaseException) -> None:
    assert not is_poison(error)


def test_what_is_foreign_says_of_each_why_and_is_never_about_nothing() -> None:
    error = Foreign({0: "a speaks as b", 3: "json_invalid at $"})

    assert is_poison(error)
    assert error.causes() == {
        0: "chassis.errors.Foreign: a speaks as b",
        3: "chassis.errors.Foreign: json_invalid at $",
    }
    assert cause_of(error) == "chassis.errors.Foreign: a speaks as b"
    assert cause_of(Poison("secret")) == "chassis.errors.Poison"
    with pytest.raises(ValueError, match="at least one"):
        Foreign({})


def test_an_error_is_named_without_what_it_says() -> None:
    assert name_of(WrongSchema("secret")) == "chassis.errors.WrongSchema"
    assert name_of(asyncpg.UniqueViolationError("secret")).endswith("UniqueViolationError[23505]")
    assert "secret" not in name_of(ValueError("secret"))
