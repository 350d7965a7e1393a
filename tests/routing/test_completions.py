"""A case is decided when every completion of its missing facts leads to the same, and only then."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from services.routing.rules import completions
from services.routing.rules.cells import values_of
from services.routing.rules.compiling import compile_table
from services.routing.rules.completions import EVERY_HIT, Weighed, weigh
from services.routing.rules.hits import Conflict, outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.sfeel import parse_cell
from services.routing.rules.tables import HIT_POLICIES, DecisionTable, HitPolicy, Input, Output, Rule
from services.routing.rules.unknowns import Asked, look, telling
from services.routing.rules.values import Value, kind_of
from tests.routing.brute_force import cases, small_tables

Facts = Mapping[str, object]


def a_table(policy: HitPolicy, *rows: str, allowed: str = "-", out: str = "department") -> DecisionTable:
    """Rows such as `"snow" | "akan" | akan-office`; row i is named so. `allowed` is what the first input can be."""
    split = [[part.strip() for part in row.split("|")] for row in rows]
    inputs = (Input("circumstance", "string", parse_cell(allowed)), Input("district", "string"))
    rules = tuple(
        Rule(f"row {at}", tuple(map(parse_cell, cells)), (output,)) for at, (*cells, output) in enumerate(split, 1)
    )
    return DecisionTable("t", policy, inputs, (Output(out, None, ("fire", "tax")),), rules)


def weighed(tables: DecisionTable | Sequence[DecisionTable], facts: Facts, asked: Asked = None) -> Weighed | None:
    tables = [tables] if isinstance(tables, DecisionTable) else tables
    return weigh(look([compile_table(table) for table in tables], facts, asked))


SNOW = a_table("F", '"national" | - | roads', '- | "akan" | akan', "- | - | roads")


def test_a_row_that_may_hold_and_says_something_else_stands_before_the_deciding_one() -> None:
    assert weighed(SNOW, {"circumstance": "municipal"}) == Weighed(0, (), (), ("district",))


@pytest.mark.parametrize(
    "facts",
    [
        {"circumstance": "municipal", "district": "akan"},
        {"circumstance": "national"},
        {"district": "kushiro"},
    ],
    ids=["nothing is missing", "what is missing stands behind", "what may hold says the same"],
)
def test_what_could_change_nothing_is_not_asked_for(facts: Facts) -> None:
    assert weighed(SNOW, facts) is None


def test_all_facts_that_matter_are_asked_for_also_where_a_row_fails_by_two() -> None:
    table = a_table("F", '"national" | "akan" | roads', "- | - | akan")

    assert weighed(table, {}) == Weighed(0, (), (), ("circumstance", "district"))


def test_a_fact_that_a_possible_row_asks_for_and_that_cannot_change_anything_is_not_asked_for() -> None:
    table = a_table("F", '"national" | - | roads', '- | "akan" | akan', "- | - | akan")

    assert weighed(table, {}) == Weighed(0, (), (), ("circumstance",))


def test_what_need_not_be_said_is_an_answer_where_it_is_missing() -> None:
    assert weighed(SNOW, {"district": "akan"}, frozenset()) is None
    assert weighed(SNOW, {"district": "akan"}, frozenset(("circumstance",))) is not None


def test_a_fact_that_cannot_be_read_is_no_answer() -> None:
    assert weighed(SNOW, {"circumstance": 3, "district": "akan"}, frozenset()) is not None


def test_rows_that_together_leave_nothing_open_decide_together() -> None:
    table = a_table("F", '"fire" | - | fire', 'not("fire") | - | fire', "- | - | tax")

    assert weighed(table, {"district": "akan"}) == Weighed(0, ((0, 1),), (), ())


def test_whether_a_time_may_have_a_zone_follows_from_all_rows_also_those_that_are_out() -> None:
    inputs = (Input("at", "date-time"), Input("district", "string"))
    cells = [('not(<= date and time("2026-04-01T00:00:00"))', "-"), ('date and time("2026-04-01T00:00:00Z")', '"akan"')]
    rules = tuple(Rule(f"row {at}", tuple(map(parse_cell, asked)), ("tax",)) for at, asked in enumerate(cells))
    late = parse_cell('not(> date and time("2026-04-01T00:00:00"))')
    table = DecisionTable("t", "F", (replace(inputs[0], allowed=late), inputs[1]), (Output("department"),), rules)

    assert weighed(table, {"district": "east"}) == Weighed(0, (), (), ("at",))


def test_only_what_is_allowed_can_be_answered() -> None:
    rows = '"fire" | - | tax', '"flood" | - | tax'

    assert weighed(a_table("U", *rows), {"district": "akan"}) == Weighed(0, (), (), ("circumstance",))
    assert weighed(a_table("U", *rows, allowed='"fire","flood"'), {}) == Weighed(0, ((0, 1),), (), ())


@pytest.mark.parametrize(
    "policy,row,missing",
    [
        ("U", '"fire" | - | tax', ("circumstance",)),
        ("A", '"fire" | - | tax', ()),
        ("A", '"fire" | - | fire', ("circumstance",)),
        ("P", '"fire" | - | fire', ("circumstance",)),
        ("P", '"fire" | - | water', ()),
    ],
    ids=["would conflict", "would agree", "would disagree", "would have priority", "would not"],
)
def test_a_possible_row_is_weighed_by_the_hit_policy(policy: HitPolicy, row: str, missing: tuple[str, ...]) -> None:
    found = weighed(a_table(policy, "- | - | tax", row), {"district": "akan"})

    assert (found.missing if found else ()) == missing


def test_rows_of_which_two_always_hold_contradict_each_other_whatever_is_missing() -> None:
    table = a_table("U", '"fire" | - | fire', 'not("fire") | - | water', "- | - | tax")

    assert weighed(table, {}) == Weighed(0, (), (0, 1, 2), ())


def test_where_a_table_collects_what_holds_stands_and_the_rest_is_asked_for() -> None:
    table = a_table("C", '"fire" | "akan" | fire', "- | - | tax")

    assert weighed(table, {}) == Weighed(0, ((1,),), (), ("circumstance", "district"))


def test_a_table_that_may_decide_stands_before_one_that_does() -> None:
    storm = a_table("F", '"storm" | - | water')

    assert weighed((storm, SNOW), {"district": "kushiro"}) == Weighed(0, (), (), ("circumstance",))
    assert weighed((storm, SNOW), {"district": "kushiro", "circumstance": "snow"}) is None


def test_where_the_search_is_given_up_a_person_is_asked_about_all_that_a_row_tests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = a_table("F", '"fire" | - | tax', '- | "akan" | tax', "- | - | tax")
    monkeypatch.setattr(completions, "STEPS", 3)

    assert weighed(table, {}) == Weighed(0, (), (), ("circumstance", "district"))


Said = frozenset[tuple[object, int]] | None


@dataclass(frozen=True, slots=True)
class Naive:
    """By going through all completions: what each leads to, and by which rows of which table."""

    said: Sequence[Said]
    deciding: Sequence[frozenset[tuple[int, int]]]
    mattering: set[str]


def naive(tables: Sequence[DecisionTable], facts: Facts, asked: Asked) -> Naive:
    unknown = [
        clause.name
        for clause in tables[0].inputs
        if clause.name not in facts and (asked is None or clause.name in asked)
    ]
    completed = list(_completed(tables, facts, unknown))
    said = [_said(tables, each) for each in completed]
    pairs = combinations(zip(completed, said, strict=True), 2)
    differing = [_apart(one, other) for (one, ours), (other, theirs) in pairs if ours[0] != theirs[0]]
    mattering = {names[0] for names in differing if len(names) == 1}
    return Naive([each for each, _ in said], [rows for _, rows in said], mattering)


def _completed(tables: Sequence[DecisionTable], facts: Facts, unknown: Sequence[str]) -> Iterator[dict[str, object]]:
    """`cases` gives the values that the cells of a table name, and between them; those of both tables together."""
    united = replace(tables[0], rules=tuple(rule for table in tables for rule in table.rules))
    values = {clause.name: _values(united, clause.name) for clause in united.inputs if clause.name in unknown}
    for found in product(*values.values()):
        yield {**facts, **dict(zip(values, found, strict=True))}


def _values(table: DecisionTable, name: str) -> list[Value | None]:
    at = next(at for at, clause in enumerate(table.inputs) if clause.name == name)
    rules = tuple(replace(rule, cells=(rule.cells[at],)) for rule in table.rules)
    return [case[name] for case in cases(replace(table, inputs=(table.inputs[at],), rules=rules), ())]


def _apart(one: Facts, other: Facts) -> list[str]:
    return [name for name in one if (type(one[name]), one[name]) != (type(other[name]), other[name])]


def _said(tables: Sequence[DecisionTable], facts: Facts) -> tuple[Said, frozenset[tuple[int, int]]]:
    for at, table in enumerate(tables):
        if held := hits(table, facts):
            try:
                rules = outcome(table, held).rules
            except Conflict:
                return None, frozenset((at, rule) for rule in held)
            outputs = Counter(output(table, rule) for rule in rules)
            return frozenset(outputs.items()), frozenset((at, rule) for rule in rules)
    return frozenset(), frozenset()


def output(table: DecisionTable, rule: int) -> object:
    return tuple(None if value is None else (kind_of(value), value) for value in table.rules[rule].outputs)


_TABLES, _NO_LEAVE_NEEDED = small_tables(), st.none()
_POLICIES = st.sampled_from([policy for policy in HIT_POLICIES if policy not in ("C+", "C<", "C>")])


@st.composite
def asked_about(draw: st.DrawFn) -> tuple[list[DecisionTable], dict[str, Value | None], Asked]:
    """One or two tables about the same facts, some of them missing, some of those with leave."""
    table, missing = draw(_TABLES)
    assume(len(table.outputs) == 1 or table.policy not in ("C+", "C<", "C>"))
    known = {clause.name: _values(table, clause.name) for clause in table.inputs if clause.name not in missing}
    assume(all(known.values()))
    facts = {name: draw(st.sampled_from(values)) for name, values in known.items()}
    asked = draw(_NO_LEAVE_NEEDED | st.sets(st.sampled_from(missing)).map(frozenset)) if missing else None
    cut = draw(st.integers(0, len(table.rules)))
    if not cut:
        return [table], facts, asked
    assume(_agree_on_zones(table, cut))
    policy = draw(_POLICIES)
    return (
        [replace(table, rules=table.rules[:cut]), replace(table, policy=policy, rules=table.rules[cut:])],
        facts,
        asked,
    )


def _agree_on_zones(table: DecisionTable, cut: int) -> bool:
    """Whether the rules before and behind `cut` name times of an input alike, with a zone or without.

    Where the first table decides by itself the second is not looked at: what kind of times it names is not known, nor of account.
    """
    both = [(_zones(table.rules[:cut], at), _zones(table.rules[cut:], at)) for at in range(len(table.inputs))]
    return all(one == other for one, other in both if one and other)


def _zones(rules: Sequence[Rule], at: int) -> set[bool]:
    named = [value for rule in rules for test in rule.cells[at].tests for value in values_of(test)]
    return {value.tzinfo is not None for value in named if isinstance(value, (datetime, time))}


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(asked_about())
def test_a_case_is_decided_when_every_completion_leads_to_the_same_and_only_then(
    question: tuple[list[DecisionTable], dict[str, Value | None], Asked],
) -> None:
    tables, facts, asked = question
    by_definition = naive(tables, facts, asked)
    assume(by_definition.said)
    now = _said(tables, facts)[0]

    found = weighed(tables, facts, asked)

    if len(set(by_definition.said)) > 1:
        assert found is not None
        assert set(found.missing) == by_definition.mattering
        assert found.conflict == ()
        sure = frozenset[tuple[int, int]].intersection(*by_definition.deciding)
        opens = tables[found.looked].policy in EVERY_HIT
        assert set(found.cases) == ({(rule,) for _, rule in sure} if opens else set())
    elif found is None:
        assert {now} == set(by_definition.said)
    else:
        (said,) = set(by_definition.said)
        assert found.missing == ()
        assert now != said
        put_out = Counter(output(tables[found.looked], rules[0]) for rules in found.cases)
        assert (None if found.conflict else frozenset(put_out.items())) == said
        assert all(len({output(tables[found.looked], rule) for rule in rules}) == 1 for rules in found.cases)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(asked_about(), st.data())
def test_what_is_told_apart_by_the_facts_kept_is_what_all_facts_tell(
    question: tuple[list[DecisionTable], dict[str, Value | None], Asked], data: st.DataObject
) -> None:
    tables, facts, asked = question
    compiled = [compile_table(table) for table in tables]
    tested = {name for name in facts if data.draw(st.booleans())}
    looked = look(compiled, facts, asked)

    kept = {name: fact for name, fact in facts.items() if name in tested}
    kept |= {name: facts[name] for name in telling(looked, facts, kept)}
    again = look(compiled, kept, asked)

    assert [(one.possible, one.held) for one in again] == [(one.possible, one.held) for one in looked]
