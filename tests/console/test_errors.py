"""What a person reads who has set a variable wrong: its name, and never its value."""

import errno
from pathlib import Path

import asyncpg
import pytest
from pydantic import ValidationError

from console.errors import explained
from deploy.local import LocalSettings

DSN, BOOTSTRAP = "MADOGUCHI_POSTGRES_DSN", "MADOGUCHI_KAFKA_BOOTSTRAP"
LOGIN = "u" + ":sEcret@"
"""In two parts: no login stands in a file, not even one that is none."""


@pytest.mark.parametrize(
    "variable, value",
    [
        (DSN, "nonsense"),
        (DSN, f"mysql://{LOGIN}localhost/x"),
        (DSN, f"postgresql://{LOGIN}127.0.0.1:port/x"),
        (DSN, f"postgresql://{LOGIN}[::1/x"),
        (BOOTSTRAP, ":"),
        (BOOTSTRAP, f"kafka://{LOGIN}host:9092"),
        ("MADOGUCHI_SMTP_PORT", "70000"),
        ("MADOGUCHI_KAFKA_PORT", "abc"),
    ],
)
def test_a_variable_that_is_wrong_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ValidationError) as raised:
        LocalSettings.model_validate({})

    said = str(explained(raised.value))
    assert variable in said
    assert "sEcret" not in said


@pytest.mark.parametrize(
    "variable, value",
    [
        (DSN, "postgresql:///madoguchi?host=/var/run/postgresql"),
        (DSN, f"postgres://{LOGIN}one:5432,two:5433/x"),
        (DSN, "postgresql://[::1]:5432/x"),
        (BOOTSTRAP, "one:9092,two:9092"),
        (BOOTSTRAP, "[::1]:9092"),
        (BOOTSTRAP, "kafka"),
    ],
)
def test_addresses_that_are_right_are_taken(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)

    assert LocalSettings.model_validate({})


def test_a_server_of_ones_own_that_does_not_answer_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DSN, f"postgresql://{LOGIN}127.0.0.1:9/x")

    said = str(explained(ConnectionRefusedError(111, "Connect call failed")))

    assert DSN in said
    assert BOOTSTRAP not in said


def test_what_postgresql_says_is_told_without_the_row_that_it_did_not_take() -> None:
    error = asyncpg.CheckViolationError("new row violates check constraint")
    error.detail = "Failing row contains (kanaria)."

    said = str(explained(error))

    assert "PostgreSQL says: new row violates check constraint." in said
    assert "kanaria" not in said


def test_a_full_disk_is_no_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MADOGUCHI_HOME", str(tmp_path))

    said = str(explained(OSError(errno.ENOSPC, "No space left on device")))

    assert said.startswith("There is no room left on the disk ")
    assert "does not answer" not in said
