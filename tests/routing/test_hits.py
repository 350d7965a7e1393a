"""What several rules that hold put out together."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from services.routing.rules.hits import Conflict, Outcome, outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.sfeel import parse_cell
from services.routing.rules.tables import HIT_POLICIES, DecisionTable, HitPolicy, Input, InvalidTable, Output, Rule
from services.routing.rules.values import Value


def a_table(
    policy: HitPolicy, *outputs: Value | None, priorities: tuple[Value, ...] = (), default: Value | None = None
) -> DecisionTable:
    """One output clause; rule i puts out `outputs[i]` when the fact "n" is more than i."""
    rules = tuple(
        Rule(f"row {index}", (parse_cell(f"> {index}"),), (value,)) for index, value in enumerate(outputs, start=1)
    )
    clause = Output("department", None, priorities, default)
    return DecisionTable("departments", policy, (Input("n", "number"),), (clause,), rules)


def two_outputs(policy: HitPolicy, rows: Sequence[tuple[Value | None, Value | None]]) -> DecisionTable:
    rules = tuple(Rule(f"row {index}", (), row) for index, row in enumerate(rows))
    outputs = (Output("status", "string", ("no", "yes")), Output("rate", "string", ("low", "high")))
    return DecisionTable("approval", policy, (), outputs, rules)


@pytest.mark.parametrize(
    "facts,held",
    [
        ({"n": 3}, [0, 1]),
        ({"n": 2}, [0]),
        ({"n": 1}, []),
        ({"n": "3"}, []),
        ({"n": True}, []),
        ({}, []),
        ({"n": [3]}, []),
    ],
)
def test_a_rule_holds_when_all_its_cells_do(facts: dict[str, object], held: list[int]) -> None:
    assert hits(a_table("C", "a", "b", "c"), facts) == held


def test_a_missing_fact_satisfies_only_a_dash() -> None:
    rules = (Rule("open", (parse_cell("-"),), ("a",)), Rule("not", (parse_cell('not("x")'),), ("b",)))
    table = DecisionTable("t", "C", (Input("word", "string"),), (Output("department"),), rules)

    assert (hits(table, {}), hits(table, {"word": "y"})) == ([0], [0, 1])


def test_a_text_in_a_date_column_is_read_as_a_date() -> None:
    rules = (Rule("new year", (parse_cell('>= date("2026-04-01")'),), ("a",)),)
    table = DecisionTable("t", "U", (Input("day", "date"),), (Output("department"),), rules)

    assert (hits(table, {"day": "2026-04-01"}), hits(table, {"day": "2026-03-31"})) == ([0], [])


@pytest.mark.parametrize(
    "policy,outputs,hit,decided",
    [
        ("U", "ab", (1,), Outcome((1,), "b")),
        ("A", "aab", (0, 1), Outcome((0,), "a")),
        ("A", (1, 1.0), (0, 1), Outcome((0,), 1)),
        ("A", (None, None), (0, 1), Outcome((0,), None)),
        ("F", "abc", (1, 2), Outcome((1,), "b")),
        ("R", "bab", (0, 1, 2), Outcome((0, 1, 2), ["b", "a", "b"])),
        ("C", "bab", (0, 2), Outcome((0, 2), ["b", "b"])),
        ("C", "bab", (1,), Outcome((1,), ["a"])),
        ("C+", (0.1, 0.2, 5), (0, 1), Outcome((0, 1), 0.3)),
        ("C+", (10**20, 1), (0, 1), Outcome((0, 1), 10**20 + 1)),
        ("C+", (1, "a"), (0, 1), Outcome((0, 1), None)),
        ("C+", (1, None), (0, 1), Outcome((0, 1), None)),
        ("C+", (1, True), (0, 1), Outcome((0, 1), None)),
        ("C<", (98.83, 150.21, 205.43, 64.32), (0, 1, 2, 3), Outcome((3,), 64.32)),
        ("C>", (3, 7, 7), (0, 1, 2), Outcome((1, 2), 7)),
        ("C<", (date(2026, 4, 1), date(2026, 3, 1)), (0, 1), Outcome((1,), date(2026, 3, 1))),
        ("C<", (1, "a"), (0, 1), Outcome((0, 1), None)),
        ("C>", (1, None), (0, 1), Outcome((0, 1), None)),
        ("C#", "aab", (0, 1, 2), Outcome((0, 1, 2), 3)),
    ],
)
def test_a_hit_policy_puts_out_what_dmn_says(
    policy: HitPolicy, outputs: Sequence[Value | None], hit: tuple[int, ...], decided: Outcome
) -> None:
    assert outcome(a_table(policy, *outputs), hit) == decided


@pytest.mark.parametrize("policy,result", [("P", "fire"), ("O", ["fire", "tax", "snow", "roads"])])
def test_priorities_order_the_outputs_and_what_is_not_listed_comes_last(policy: HitPolicy, result: object) -> None:
    table = a_table(policy, "snow", "tax", "roads", "fire", priorities=("fire", "tax"))

    assert outcome(table, (0, 1, 2, 3)).result == result


def test_a_priority_of_true_is_none_of_1() -> None:
    assert outcome(a_table("P", *(1, True), priorities=(True,)), (0, 1)).rules == (1,)


def test_the_first_output_clause_orders_before_the_second() -> None:
    table = two_outputs("O", [("yes", "low"), ("no", "high"), ("no", "low"), ("yes", None)])

    assert outcome(table, (0, 1, 2, 3)).rules == (2, 1, 0, 3)


def test_several_output_clauses_put_out_a_value_by_name() -> None:
    rows = [("yes", "low"), ("no", None)]

    assert outcome(two_outputs("F", rows), (1,)).result == {"status": "no", "rate": None}
    assert outcome(two_outputs("C", rows), (0,)).result == [{"status": "yes", "rate": "low"}]


@pytest.mark.parametrize(
    "policy,nothing", [("U", None), ("A", None), ("F", None), ("P", None), ("R", []), ("O", []), ("C", []), ("C#", 0)]
)
def test_without_a_hit_and_a_default_there_is_nothing(policy: HitPolicy, nothing: object) -> None:
    assert outcome(a_table(policy, "a"), ()) == Outcome((), nothing)


@pytest.mark.parametrize("policy", ["C+", "C<", "C>"])
def test_the_sum_and_the_least_of_nothing_are_null(policy: HitPolicy) -> None:
    assert outcome(a_table(policy, 1), ()) == Outcome((), None)


@pytest.mark.parametrize("policy", HIT_POLICIES)
def test_without_a_hit_the_default_is_put_out(policy: HitPolicy) -> None:
    expected = [7] if policy in ("R", "O", "C") else 7

    assert outcome(a_table(policy, 1, default=7), ()) == Outcome((), expected)


def test_a_default_of_one_clause_leaves_the_other_null() -> None:
    outputs = (Output("status", "string", default="no"), Output("rate", "string"))
    table = DecisionTable("approval", "F", (), outputs, ())

    assert outcome(table, ()).result == {"status": "no", "rate": None}


@pytest.mark.parametrize(
    "policy,outputs",
    [("U", ("a", "a")), ("A", ("a", "b")), ("A", (1, True)), ("A", ("a", None)), ("A", (None, "a"))],
)
def test_rules_that_may_not_hold_together_are_a_conflict_that_names_them(
    policy: HitPolicy, outputs: Sequence[Value | None]
) -> None:
    with pytest.raises(Conflict, match=f"departments.*{policy}.*row 1, row 2") as raised:
        outcome(a_table(policy, *outputs), (0, 1))

    assert raised.value.rules == (0, 1)


def test_times_that_cannot_be_compared_have_a_least_one_nowhere() -> None:
    aware, naive = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 1)  # noqa: DTZ001  FEEL has such

    assert outcome(a_table("C<", aware, naive), (0, 1)) == Outcome((0, 1), None)


def test_an_aggregation_of_several_outputs_is_no_table() -> None:
    with pytest.raises(InvalidTable, match=r"approval: expected one output under hit policy C\+, found status, rate"):
        outcome(two_outputs("C+", [("a", "b")]), (0,))
