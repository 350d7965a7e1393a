from hypothesis import given
from hypothesis import strategies as st

from chassis.batches import Run, runs

Item = tuple[str, str, int]
ITEMS = st.lists(st.tuples(st.sampled_from("XYZ"), st.sampled_from("abc")), max_size=30)


def kind_of(item: Item) -> str:
    return item[0]


def key_of(item: Item) -> str:
    return item[1]


def numbered(pairs: list[tuple[str, str]]) -> list[Item]:
    return [(kind, key, place) for place, (kind, key) in enumerate(pairs)]


def test_nothing_makes_no_run() -> None:
    assert not runs(numbered([]), kind_of, key_of)


def test_one_kind_is_one_run() -> None:
    items = numbered([("X", "a"), ("X", "b"), ("X", "a")])

    assert list(runs(items, kind_of, key_of)) == [Run("X", items)]


def test_kinds_that_alternate_between_keys_are_one_run_each() -> None:
    items = numbered([("X", "a"), ("Y", "a"), ("X", "b"), ("Y", "b")])

    assert list(runs(items, kind_of, key_of)) == [Run("X", items[::2]), Run("Y", items[1::2])]


def test_a_key_that_returns_to_a_kind_starts_a_run_behind() -> None:
    items = numbered([("X", "a"), ("Y", "a"), ("X", "a"), ("X", "b")])

    found = runs(items, kind_of, key_of)

    assert [(run.kind, [item[2] for item in run.items]) for run in found] == [("X", [0, 3]), ("Y", [1]), ("X", [2])]


@given(ITEMS)
def test_every_key_keeps_its_order_across_runs(pairs: list[tuple[str, str]]) -> None:
    items = numbered(pairs)

    handled = [item for run in runs(items, kind_of, key_of) for item in run.items]

    assert sorted(handled, key=lambda item: item[2]) == items
    for key in "abc":
        assert [item for item in handled if item[1] == key] == [item for item in items if item[1] == key]


@given(ITEMS)
def test_a_run_holds_one_kind_and_is_never_empty(pairs: list[tuple[str, str]]) -> None:
    found = runs(numbered(pairs), kind_of, key_of)

    assert all(run.items and {kind_of(item) for item in run.items} == {run.kind} for run in found)
