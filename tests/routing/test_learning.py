"""Tables learnt from what people decided: readable, honest, and right about cases nobody has shown them."""

import random
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.bulk import load_mapping
from channels.bulk.histories import Expected, Past, opened_history
from services.routing.formats.csv_tables import read_csv, write_csv
from services.routing.rules.boxes import enclose
from services.routing.rules.compiling import compile_table
from services.routing.rules.examples import Decided, Key, count
from services.routing.rules.learning import Proposal, add_output, learn
from services.routing.rules.noting import note
from services.routing.rules.rule_lists import learn_lines
from services.routing.rules.sfeel import write_cell
from services.routing.rules.tables import DecisionTable
from tests.conftest import shared_data

KINDS = ("noise", "pothole", "snow", "tree")
AREAS = ("east", "west", "akan")
OWNERS = {"noise": "environment", "pothole": "roads", "snow": "roads", "tree": "parks"}


def lines(table: DecisionTable) -> list[tuple[str, ...]]:
    return [(*map(write_cell, rule.cells), str(rule.outputs[0])) for rule in table.rules]


def some_cases(number: int) -> list[tuple[str, str]]:
    dice = random.Random(7)
    return [(dice.choice(KINDS), dice.choice(AREAS)) for _ in range(number)]


def accuracy(table: DecisionTable, inputs: Sequence[str], unseen: Sequence[Decided]) -> float:
    """The share of all that are decided as people did; what is not covered is wrong."""
    compiled = compile_table(table)
    return sum(compiled.decide(dict(zip(inputs, key, strict=True))).result == who for key, who in unseen) / len(unseen)


def found(proposal: Proposal) -> DecisionTable:
    assert proposal.table is not None
    return proposal.table


def test_a_rule_without_exceptions_is_found_exactly_and_nothing_else_is_looked_at() -> None:
    decided = [((area, kind), OWNERS[kind]) for kind, area in some_cases(400)]

    proposal = learn("t", "department", ("area", "kind"), decided)

    assert [clause.name for clause in found(proposal).inputs] == ["kind"]
    assert sorted(lines(found(proposal))) == [
        ('"noise"', "environment"),
        ('"pothole", "snow"', "roads"),
        ('"tree"', "parks"),
    ]
    assert proposal.shuffled.accuracy == proposal.latest.accuracy == 1


def test_an_exception_is_a_row_above_the_rule_it_is_from() -> None:
    decided = [
        ((kind, area), "akan-centre" if (kind, area) == ("snow", "akan") else OWNERS[kind])
        for kind, area in some_cases(400)
    ]

    table = found(learn("t", "department", ("kind", "area"), decided))

    assert lines(table)[0] == ('"snow"', '"akan"', "akan-centre")
    assert ('"pothole", "snow"', "-", "roads") in lines(table)


def test_exceptions_that_hold_for_several_values_are_one_row() -> None:
    decided = [((kind, area), "akan-centre" if area == "akan" else OWNERS[kind]) for kind, area in some_cases(600)]

    table = found(learn("t", "department", ("kind", "area"), decided))

    assert len([line for line in lines(table) if line[-1] == "akan-centre"]) == 1


def test_what_is_decided_by_chance_is_not_proposed() -> None:
    dice = random.Random(3)
    decided = [(case, dice.choice(("a", "b"))) for case in some_cases(1000)]

    assert learn("t", "department", ("kind", "area"), decided).table is None


def test_a_fact_that_tells_nothing_is_not_looked_at_though_it_has_many_values() -> None:
    dice = random.Random(5)
    decided = [
        ((kind, f"{dice.randrange(40)}"), OWNERS[kind] if dice.random() < 0.9 else dice.choice(KINDS))
        for kind, _ in some_cases(2000)
    ]

    table = found(learn("t", "department", ("kind", "number"), decided))

    assert [clause.name for clause in table.inputs] == ["kind"]


@pytest.mark.parametrize("more,exceptions", [(1, 0), (2, 1)])
def test_one_odd_case_makes_no_exception(more: int, exceptions: int) -> None:
    """`more` is by how many cases an answer is commoner than the usual one."""
    usual: list[Decided] = [((kind, area), OWNERS[kind]) for kind in KINDS for area in AREAS] * 5
    odd: list[Decided] = [(("snow", "akan"), "parks")] * (5 + more)

    lines = learn_lines(count(("kind", "area"), [*usual, *odd]), (("kind", "area"), ("kind",)))

    assert sum(len(line.sides) == 2 for line in lines) == exceptions


@pytest.mark.parametrize("share,inputs", [(0.0013, ["kind"]), (0.006, ["kind", "area"])])
def test_an_input_that_puts_hardly_anything_right_is_not_worth_a_column(share: float, inputs: list[str]) -> None:
    cases = some_cases(10_000)
    odd = [at for at, case in enumerate(cases) if case == ("snow", "akan")][: int(share * len(cases))]
    kept = [at for at, case in enumerate(cases) if case != ("snow", "akan") or at in odd]
    decided = [(cases[at], "akan-centre" if at in odd else OWNERS[cases[at][0]]) for at in kept]

    table = found(learn("t", "department", ("kind", "area"), decided))

    assert [clause.name for clause in table.inputs] == inputs


def test_where_one_department_has_all_a_row_for_everything_is_honest() -> None:
    table = found(learn("t", "department", ("kind", "area"), [(case, "all") for case in some_cases(100)]))

    assert lines(table) == [("-", "all")]


def test_a_row_for_everything_else_is_not_proposed_where_the_rest_is_anybodys() -> None:
    dice = random.Random(1)
    rare = [((f"rare-{number}", "east"), dice.choice(KINDS)) for number in range(60)]
    decided = [*((case, OWNERS[case[0]]) for case in some_cases(600)), *rare]

    assert all(any(cell != "-" for cell in line[:-1]) for line in lines(found(learn("t", "d", ("k", "a"), decided))))


def test_a_missing_fact_is_no_value_that_a_row_could_name() -> None:
    decided = [((kind,), OWNERS[kind]) for kind, _ in some_cases(400)]

    missing = [((None,), who) for who in ("desk", "desk", "roads")] * 30

    table = found(learn("t", "department", ("kind",), [*decided, *missing]))

    assert compile_table(table).decide({}).result is None
    assert compile_table(table).decide({"kind": "tree"}).result == "parks"


def test_each_row_says_its_support_and_confidence_and_asks_for_a_reason() -> None:
    decided = [(("snow",), "roads")] * 30 + [(("snow",), "parks")] * 10 + [(("tree",), "parks")] * 40

    table = found(learn("t", "department", ("kind",), decided))

    assert {rule.outputs[0]: rule.notes for rule in table.rules} == {
        "roads": {"support": "40", "confidence": "0.750", "reason": ""},
        "parks": {"support": "40", "confidence": "1.000", "reason": ""},
    }
    assert write_csv(table).decode("utf-8-sig").splitlines()[0] == (
        "F,in:kind,out:department,note:support,note:confidence,note:reason"
    )


def test_a_row_that_decides_nothing_and_is_not_sure_is_left_out() -> None:
    examples = count(("kind",), [(("snow",), "roads")] * 3 + [(("snow",), "parks")])
    table = read_csv(b'F,in:kind,out:who\nA,"""snow""",roads\nB,"""snow""",parks\nC,-,roads\n', file="x", name="x")

    assert [rule.notes["support"] for rule in note(table, examples).rules] == ["4"]


def test_another_output_goes_with_the_learnt_one() -> None:
    decided = [((kind,), OWNERS[kind]) for kind, _ in some_cases(100)]

    table = add_output(found(learn("t", "queue", ("kind",), decided)), "department", {"roads": "R", "parks": "P"})

    assert [clause.name for clause in table.outputs] == ["queue", "department"]
    assert {rule.outputs for rule in table.rules} == {("roads", "R"), ("parks", "P"), ("environment", None)}


@given(st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 4)), st.sampled_from("abc"), min_size=1))
def test_boxes_hold_every_key_and_take_no_case_from_another(stated: dict[Key, str]) -> None:
    counts = {key: Counter({who: 3}) for key, who in stated.items()}

    boxes = enclose(stated, stated, counts, worth=0)

    for key, who in stated.items():
        assert {box.output for box in boxes if key in set(box.members())} == {who}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), st.sampled_from("xyz")), min_size=5))
def test_whatever_is_learnt_is_a_table_that_a_file_holds(decided: list[Decided]) -> None:
    table = learn("t", "who", ("one", "two"), decided).table

    if table is not None:
        read = read_csv(write_csv(table), file="t.csv", name="t")
        for key, _ in decided:
            facts: dict[str, object] = dict(zip(("one", "two"), key, strict=True))
            assert compile_table(read).decide(facts).result == compile_table(table).decide(facts).result


@cache
def past(name: str, mapping: str, target: Expected) -> list[Past]:
    path: Path = shared_data(f"requests/{name}.csv.gz")
    with opened_history(path, load_mapping(mapping), expected=target) as history:
        return [case for case in history.cases if case is not None]


def decided_by(cases: Sequence[Past], inputs: Sequence[str], target: Expected) -> list[Decided]:
    facts = [dict(case.facts) for case in cases]
    return [
        (tuple(fact.get(name) for name in inputs), case.department if target == "department" else case.queue)
        for fact, case in zip(facts, cases, strict=True)
    ]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "file,mapping,target,inputs,goal,most_rows",
    [
        ("boston_2011H2_A", "boston", "department", ("request",), 0.95, 8),
        ("boston_2011H2_A", "boston", "queue", ("request", "district"), 0.89, 90),
        ("boston_2013-2017_animal_pest_A", "boston", "department", ("request",), 0.95, 8),
        ("boston_2013-2017_animal_pest_A", "boston", "queue", ("request", "district"), 0.89, 30),
        ("baltimore_2014-2018_A", "baltimore", "department", ("request",), 0.97, 20),
        ("nyc_2018-10-21_fullday", "nyc", "department", ("request",), 0.97, 25),
        ("nyc_2023-02-28_A", "nyc", "department", ("request",), 0.97, 20),
        ("nyc_queens_2020_A", "nyc", "department", ("request",), 0.97, 8),
    ],
)
def test_a_table_learnt_from_two_thirds_of_a_real_history_decides_the_unseen_third(
    file: str, mapping: str, target: Expected, inputs: tuple[str, ...], goal: float, most_rows: int, seed: int
) -> None:
    decided = decided_by(past(file, mapping, target), inputs, target)
    random.Random(seed).shuffle(decided)
    third = len(decided) // 3

    table = found(learn(file, target, inputs, decided[third:]))

    assert accuracy(table, inputs, decided[:third]) >= goal
    assert len(table.rules) <= most_rows
    assert {clause.name for clause in table.inputs} == set(inputs)


@pytest.mark.parametrize(
    "file,mapping,target,inputs,goal,covered",
    [
        ("boston_2011H2_A", "boston", "department", ("request",), 0.95, 0.99),
        ("boston_2011H2_A", "boston", "queue", ("request", "district"), 0.89, 0.99),
        ("baltimore_2014-2018_A", "baltimore", "department", ("request",), 0.97, 0.93),
        ("nyc_2023-02-28_A", "nyc", "department", ("request",), 0.97, 0.75),
    ],
)
def test_what_a_table_learnt_from_the_past_decides_of_the_last_fifth_it_decides_as_people_did(
    file: str, mapping: str, target: Expected, inputs: tuple[str, ...], goal: float, covered: float
) -> None:
    """The rest are types that had never come before: a person decides."""
    cases = sorted(past(file, mapping, target), key=lambda case: case.opened or date.min)
    latest = learn(file, target, inputs, decided_by(cases, inputs, target)).latest

    assert latest.agreement >= goal
    assert latest.covered >= covered * latest.cases
