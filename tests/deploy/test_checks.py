"""The two parts of `make check` that look for secrets and for known weaknesses."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from deploy import advisories, leaks
from sealing.documents import encoded
from sealing.files import PrivateKey
from services.intake.admitting import make_key

KEY = "-----BEGIN " + "PRIVATE KEY-----"
DSN = "postgresql://madoguchi" + ":correct-horse@db/x"


SEALING = encoded(PrivateKey(key="5y-2026.1", made=datetime(2026, 4, 1, tzinfo=UTC), private=b"k" * 32)).decode()
TOKEN_KEY = "MADOGUCHI_INTAKE_TOKEN" + "_KEY=" + "0f8a7c6b5d4e3f2a1b0c9d8e7f6a5b4c"
VAULT = "hvs." + "CAESIJlWh8xYzAbCdEfGhIjKl"


@pytest.mark.parametrize(
    "secret",
    [make_key().text, KEY, DSN, "AKIA" + "ABCDEFGHIJKLMNOP", "ghp_" + "a1B2" * 9, SEALING, TOKEN_KEY, VAULT],
    ids=["ours", "private key", "address", "cloud", "code", "sealing", "setting", "vault"],
)
def test_a_secret_is_found_by_its_line_and_not_repeated(secret: str) -> None:
    found = list(leaks.leaks_in(f"one\ntwo\nkey = {secret}\n", leaks.patterns()))

    assert found
    assert {line for line, _ in found} == {3}
    assert secret not in repr(found)


def test_what_everybody_may_know_is_none() -> None:
    text = f"postgresql://u:{'hunter2'}@h/d\npostgresql://h/d\nsha256 {'0' * 64}\nmdg_<prefix>_<secret>"

    assert list(leaks.leaks_in(text, leaks.patterns())) == []


def said(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages})


FINE = {"name": "fine", "version": "1", "vulns": []}
WEAK = {"name": "weak", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
SKIPPED = {"name": "far", "skip_reason": "not found"}


@pytest.mark.parametrize(
    "answer,passes,words",
    [
        (None, True, "NOT LOOKED AT"),
        (said(SKIPPED), True, "NOT LOOKED AT"),
        (said(FINE, SKIPPED), True, "none for 1 packages; 1 could not be looked at"),
        (said(FINE), True, "none for 1 packages"),
        (said(FINE, WEAK), False, "weak 1: PYSEC-1, mended in 2"),
    ],
)
def test_nothing_found_is_not_the_same_sentence_as_nothing_looked_for(
    answer: str | None,
    passes: bool,  # noqa: FBT001  a parameter
    words: str,
) -> None:
    assert advisories.judge(answer)[0] is passes
    assert words in advisories.judge(answer)[1]


def test_an_index_that_does_not_answer_in_time_stops_nobody() -> None:
    assert advisories.ask(0.01) is None
