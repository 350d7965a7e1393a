from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.admitting import Bucket, KeptKey, System, admit, make_key, read_key

NOW = datetime(2026, 11, 26, tzinfo=UTC)
SYSTEM = System("acme", frozenset({"urn:acme"}), frozenset({"web"}), ("road.*", "waste.bulky"), 60, 3)


def test_a_key_is_read_as_it_was_made_and_no_two_are_alike() -> None:
    keys = [make_key() for _ in range(100)]

    assert [read_key(key.text) for key in keys] == keys
    assert len({key.prefix for key in keys}) == len({key.secret for key in keys}) == 100
    assert all(len(bytes.fromhex(key.secret)) == 32 for key in keys)


@given(st.text())
def test_what_is_no_key_is_none_and_no_error(text: str) -> None:
    assert read_key(text) is None or text.startswith("mdg_")
    assert read_key(f"mdg_{text}") is None or len(text) == 75


def test_a_key_is_admitted_until_its_last_moment_and_by_its_whole_secret() -> None:
    key = make_key()
    kept = {key.prefix: KeptKey(key.prefix, key.digest, NOW, SYSTEM)}

    assert admit(key, kept, NOW - timedelta(seconds=1)) is kept[key.prefix]
    assert admit(key, kept, NOW) is None
    assert admit(replace(key, secret=key.secret[:-1] + "x"), kept, NOW - timedelta(days=1)) is None
    assert admit(make_key(), kept, NOW - timedelta(days=1)) is None


@pytest.mark.parametrize(
    "procedure,may",
    [("road.snow", True), ("road.", True), ("waste.bulky", True), ("waste.bulky.x", False), ("a.road.snow", False)],
)
def test_a_pattern_covers_the_whole_procedure(procedure: str, may: bool) -> None:  # noqa: FBT001  a parameter
    assert SYSTEM.may_submit(procedure) is may


def test_a_bucket_lets_a_burst_through_and_then_its_pace() -> None:
    bucket = Bucket(60, 3, 0.0)

    assert [bucket.take(0.0) for _ in range(4)] == [0, 0, 0, 1]
    assert bucket.take(0.5) == pytest.approx(0.5)
    assert bucket.take(1.0) == 0
    assert bucket.take(1.0) == pytest.approx(1)


@given(st.lists(st.floats(0, 10), max_size=200))
def test_no_sequence_of_requests_gets_more_than_burst_and_pace(gaps: list[float]) -> None:
    bucket, now, taken = Bucket(60, 3, 0.0), 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now) == 0

    assert taken <= 3 + now + 1e-6
