"""Compiled tables decide what the interpreter says the table means."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.routing.rules.cells import ANYTHING, Cell, Equal, Range
from services.routing.rules.compiling import CompiledTable, compile_table, positions
from services.routing.rules.hits import Conflict, Outcome, outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.memos import LONG, Memo
from services.routing.rules.sfeel import parse_cell
from services.routing.rules.tables import DecisionTable, HitPolicy, Input, Output, Rule
from services.routing.rules.values import Kind
from tests.routing.tables import TWICE, facts_of, tables

Facts = dict[str, object]


def a_table(kind: Kind | None, *cells: str | Cell, policy: HitPolicy = "C") -> DecisionTable:
    """One input `x`; rule i puts out i."""
    parsed = [parse_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    rules = tuple(Rule(f"row {at}", (cell,), (at,)) for at, cell in enumerate(parsed))
    return DecisionTable("t", policy, (Input("x", kind),), (Output("out"),), rules)


def decided(decide: Callable[[], Outcome]) -> Outcome | tuple[int, ...]:
    """An outcome, or the rules that are in conflict."""
    try:
        return decide()
    except Conflict as conflict:
        return conflict.rules


def expect_the_same(table: DecisionTable, compiled: CompiledTable, facts: Facts) -> None:
    expected = hits(table, facts)
    assert positions(compiled.hits(facts)) == expected
    assert decided(lambda: compiled.decide(facts)) == decided(lambda: outcome(table, expected))


def compare(data: st.DataObject) -> None:
    table = data.draw(tables())
    compiled = compile_table(table)
    for facts in data.draw(st.lists(facts_of(table), min_size=1, max_size=4)) * 2:
        expect_the_same(table, compiled, facts)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_compiled_table_decides_as_the_interpreter_does(data: st.DataObject) -> None:
    compare(data)


@pytest.mark.long
@pytest.mark.timeout(7200)
@settings(max_examples=100_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_hundred_thousand_compiled_tables_decide_as_the_interpreter_does(data: st.DataObject) -> None:
    compare(data)


@pytest.mark.parametrize("kind", ["number", "boolean", None])
@pytest.mark.parametrize("facts", [(True, 1, 1.0), (1.0, 1, True), (1, True, 1.0), (0, False, -0.0)])
def test_true_and_1_are_told_apart_whichever_comes_first(kind: Kind | None, facts: Sequence[object]) -> None:
    table = a_table(kind, "true", "1", "0", "false", ">= 0", "not(true)", "-")
    compiled = compile_table(table)

    for fact in facts:
        expect_the_same(table, compiled, {"x": fact})


@pytest.mark.parametrize("kind", ["string", "number", "date", None])
def test_facts_that_are_no_values_satisfy_only_a_dash(kind: Kind | None) -> None:
    cells: dict[Kind | None, str] = {"number": "not(3)", "date": '> date("1000-01-01")'}
    compiled = compile_table(a_table(kind, cells.get(kind, 'not("a")'), "-"))
    no_values: list[object] = [None, [], {}, {"a": 1}, float("nan"), float("inf"), object(), ("a", []), b"a"]

    assert [compiled.hits({"x": fact}) for fact in no_values] == [0b10] * len(no_values)
    assert compiled.hits({}) == 0b10


def test_an_outcome_is_found_beside_a_fact_that_cannot_be_a_key() -> None:
    inputs = (Input("x", "string"), Input("y", "number"))
    rules = (Rule("a", (ANYTHING, parse_cell("> 1")), ("yes",)), Rule("b", (parse_cell('"x"'), ANYTHING), ("no",)))
    compiled = compile_table(DecisionTable("t", "U", inputs, (Output("out"),), rules))

    assert compiled.decide({"x": ["x"], "y": 2}) == Outcome((0,), "yes")


def test_the_hour_that_comes_twice_is_two_hours() -> None:
    summer, winter = TWICE, TWICE.replace(fold=1)
    table = a_table("date-time", '< date and time("2026-10-25T02:30:00+01:00")', "-")
    compiled = compile_table(table)

    assert summer == winter  # and so they would be one key
    assert [compiled.hits({"x": hour}) for hour in (summer, winter, summer)] == [0b11, 0b10, 0b11]


def test_bounds_that_are_in_no_order_are_asked() -> None:
    paris = Cell((Range(TWICE, None, with_low=True, with_high=False),))
    table = a_table("date-time", paris, '> date and time("2026-01-01T00:00:00Z")', Cell((Equal(TWICE),), negated=True))
    nowhere = a_table("number", Cell((Equal(float("nan")),)), Cell((Equal(float("nan")), Equal(3))), "3")

    for zone in ("UTC", "Europe/Paris"):
        expect_the_same(table, compile_table(table), {"x": datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo(zone))})
    assert compile_table(nowhere).hits({"x": 3}) == 0b110


def test_many_intervals_of_many_rows_hold_where_they_should() -> None:
    chance = Random(4)
    numbers = [round(chance.uniform(-50, 50), 1) for _ in range(120)]
    ends = [sorted(chance.choices(numbers, k=2)) for _ in range(400)]
    closed = [(chance.random() < 0.5, chance.random() < 0.5) for _ in ends]
    ranges = [Range(low, high, *how) for (low, high), how in zip(ends, closed, strict=True)]
    cells = [Cell((test,), negated=chance.random() < 0.2) for test in ranges]
    table = a_table("number", *cells)
    compiled = compile_table(table)

    for fact in [*numbers, *(number + 0.05 for number in numbers), -51, 51]:
        expect_the_same(table, compiled, {"x": fact})


@pytest.mark.parametrize("fact", ["2026-04-01", date(2026, 4, 1)])
def test_a_date_is_a_date_as_text_too(fact: object) -> None:
    compiled = compile_table(a_table("date", '[date("2026-04-01")..date("2027-03-31")]', '< date("2026-04-01")'))

    assert compiled.hits({"x": fact}) == 0b01


def test_a_conflict_is_raised_each_time() -> None:
    compiled = compile_table(a_table("number", "> 1", "> 2", policy="U"))

    for _ in range(2):
        with pytest.raises(Conflict, match="row 0, row 1"):
            compiled.decide({"x": 3})


def test_under_first_all_that_the_same_rule_decides_is_one_outcome() -> None:
    compiled = compile_table(a_table("number", "> 1", "> 2", policy="F"))

    assert compiled.decide({"x": 2}) is compiled.decide({"x": 3})


@pytest.mark.parametrize("policy,nothing", [("F", None), ("C", []), ("C#", 0)])
def test_a_table_without_rules_decides_nothing(policy: HitPolicy, nothing: object) -> None:
    assert compile_table(a_table("number", policy=policy)).decide({"x": 1}) == Outcome((), nothing)


def test_a_table_without_inputs_always_holds() -> None:
    table = DecisionTable("t", "C", (), (Output("out"),), (Rule("a", (), (1,)), Rule("b", (), (2,))))

    assert compile_table(table).decide({"x": 1}) == Outcome((0, 1), [1, 2])


def test_two_inputs_may_look_at_one_fact() -> None:
    inputs = (Input("x", "number"), Input("x", None))
    table = DecisionTable(
        "t", "U", inputs, (Output("out"),), (Rule("a", (parse_cell("> 1"), parse_cell("< 3")), (1,)),)
    )

    assert [compile_table(table).hits({"x": fact}) for fact in (1, 2, 3)] == [0, 1, 0]


def test_a_name_is_only_a_name() -> None:
    name = '") or __import__("os").abort() or ("{at}'
    table = DecisionTable(
        "t", "U", (Input(name, "string"),), (Output("out"),), (Rule("a", (parse_cell('"b"'),), (1,)),)
    )

    assert compile_table(table).decide({name: "b"}).result == 1


def test_the_positions_of_a_set_are_its_bits() -> None:
    chance = Random(1)
    chosen = sorted(chance.sample(range(5000), 90))

    assert positions(sum(1 << at for at in chosen)) == chosen
    assert positions(0) == []


class TestMemos:
    def test_what_was_computed_is_not_computed_again(self) -> None:
        asked: list[int] = []

        def double(key: int) -> int:
            asked.append(key)
            return 2 * key

        memo = Memo(double, room=10)

        assert ([memo[key] for key in (1, 2, 1, 2)], asked) == ([2, 4, 2, 4], [1, 2])

    def test_an_endless_stream_of_facts_does_not_fill_it(self) -> None:
        memo = Memo(lambda key: key, room=10)

        sizes = [len(memo) for key in range(95) if memo[key] == key]

        assert (max(sizes), len(memo), memo[94]) == (10, 5, 94)

    def test_long_keys_are_not_kept(self) -> None:
        memo = Memo(len, room=10)

        assert (memo["a" * LONG], memo["a"], list(memo)) == (LONG, 1, ["a"])

    def test_large_values_take_more_room_and_too_large_ones_are_not_kept(self) -> None:
        memo: Memo[int, range] = Memo(range, room=10, size=len)

        assert [len(memo[key]) for key in (4, 6, 5, 11)] == [4, 6, 5, 11]
        assert list(memo) == []
        assert [len(memo[key]) for key in (4, 6)] == [4, 6]
        assert list(memo) == [4, 6]


def test_durations_are_compared_as_what_they_are() -> None:
    compiled = compile_table(a_table("days-duration", '> duration("P1D")', '<= duration("P1D")'))

    assert [compiled.hits({"x": fact}) for fact in ("PT36H", timedelta(days=1), "P1M")] == [0b01, 0b10, 0]
