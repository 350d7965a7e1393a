"""Why a table decided so, and why it did not decide otherwise."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.routing.rules.compiling import compile_table
from services.routing.rules.explaining import NEAREST, Explainer, Explanation, NearMiss, Verdict
from services.routing.rules.hits import Conflict, outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.refusing import Failed, Refusal, why_not
from services.routing.rules.sfeel import parse_cell
from services.routing.rules.tables import DecisionTable, HitPolicy, Input, Output, Rule
from services.routing.rules.values import read_fact
from tests.routing.tables import facts_of, tables

Facts = dict[str, object]


def a_table(policy: HitPolicy, *rows: tuple[str, str, str]) -> DecisionTable:
    """Rows of an age, a district and a department; row i is named so."""
    inputs = (Input("age", "number"), Input("district", "string"))
    rules = tuple(
        Rule(f"row {at}", (parse_cell(age), parse_cell(district)), (department,))
        for at, (age, district, department) in enumerate(rows)
    )
    return DecisionTable("departments", policy, inputs, (Output("department"),), rules)


def explain(table: DecisionTable, facts: Facts) -> Explanation:
    return Explainer(compile_table(table)).explain(facts)


CARE = a_table(
    "F",
    (">= 65", '"Akan"', "akan"),
    (">= 65", "-", "care"),
    ("< 15", "-", "children"),
    ("-", '"Onbetsu"', "onbetsu"),
)


def test_a_decision_names_its_rule_its_facts_and_what_it_outranked() -> None:
    found = explain(CARE, {"age": 80, "district": "Akan", "name": "Sato"})

    assert found.verdict == Verdict(("row 0", "row 1"), ("row 0",), ("row 1",), "akan", False, ("age", "district"))  # noqa: FBT003
    assert found.inputs == {"age": 80, "district": "Akan"}


def test_facts_that_no_deciding_rule_asks_for_do_not_matter() -> None:
    table = a_table("F", (">= 65", "-", "care"), ("-", "-", "residents"))

    assert explain(table, {"age": 70, "district": "Akan"}).inputs == {"age": 70}


def test_rules_that_failed_in_one_cell_are_named_with_it_and_the_fact_is_kept() -> None:
    found = explain(CARE, {"age": 70, "district": "Kushiro"})

    assert found.verdict.decided == ("row 1",)
    assert found.near == (NearMiss("row 0", "district"), NearMiss("row 2", "age"))
    assert found.inputs == {"age": 70, "district": "Kushiro"}


def test_only_a_few_near_misses_are_named() -> None:
    table = a_table("F", *((f"{age}", "-", "a") for age in range(5)))

    assert [miss.rule for miss in explain(table, {"age": 9}).near] == [f"row {at}" for at in range(NEAREST)]


def test_without_a_match_all_that_was_asked_matters() -> None:
    found = explain(CARE, {"age": 30, "district": "Kushiro", "name": "Sato"})

    assert (found.verdict.held, found.verdict.decided, found.verdict.conflict) == ((), (), False)
    assert found.inputs == {"age": 30, "district": "Kushiro"}


def test_what_would_have_come_to_the_same_is_no_runner_up() -> None:
    table = a_table("F", (">= 65", '"Onbetsu"', "care"), (">= 65", '"Akan"', "akan"), (">= 65", "-", "care"))

    assert explain(table, {"age": 70, "district": "Kushiro"}).near == (NearMiss("row 1", "district"),)


def test_another_value_of_what_is_given_is_not_thought_of() -> None:
    explainer = Explainer(compile_table(CARE), given=("age",))

    found = explainer.explain({"age": 70, "district": "Kushiro"})

    assert found.near == (NearMiss("row 0", "district"), NearMiss("row 3", "district"))


def test_a_conflict_is_explained_by_the_rules_in_it() -> None:
    table = a_table("U", (">= 65", "-", "care"), ("-", '"Akan"', "akan"), ("< 15", "-", "children"))

    verdict = explain(table, {"age": 70, "district": "Akan"}).verdict

    assert (verdict.conflict, verdict.held, verdict.decided) == (True, ("row 0", "row 1"), ())
    assert verdict.asked == ("age", "district")


def test_all_rules_of_a_collecting_table_decide() -> None:
    table = a_table("C", ("< 15", "-", "children"), ("-", '"Akan"', "akan"), ("-", "-", "residents"))

    verdict = explain(table, {"age": 9, "district": "Kushiro"}).verdict

    assert (verdict.decided, verdict.result, verdict.asked) == (("row 0", "row 2"), ["children", "residents"], ("age",))


def decided(table: DecisionTable, facts: Facts) -> tuple[object, ...]:
    """By the interpreter: the names of the rules that decide, or of those in conflict, and the result."""
    held = hits(table, facts)
    try:
        found = outcome(table, held)
    except Conflict as conflict:
        return True, [table.rules[at].name for at in conflict.rules], None
    return False, [table.rules[at].name for at in found.rules], found.result


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_from_what_an_explanation_stores_the_same_is_decided_again(data: st.DataObject) -> None:
    table = data.draw(tables())
    explainer = Explainer(compile_table(table))
    for facts in data.draw(st.lists(facts_of(table), min_size=1, max_size=4)):
        verdict, inputs, _ = explainer.explain(facts)

        named = verdict.held if verdict.conflict else verdict.decided
        assert (verdict.conflict, list(named), verdict.result) == decided(table, facts)
        assert decided(table, dict(inputs)) == decided(table, facts)
        assert set(inputs) <= {clause.name for clause in table.inputs}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_near_misses_are_those_the_cells_say(data: st.DataObject) -> None:
    table = data.draw(tables())
    facts = data.draw(facts_of(table))
    failing = {rule.name: failed(table, rule, facts) for rule in table.rules}
    found = explain(table, facts)
    said = [outputs(table, name) for name in found.verdict.decided]
    near = [
        NearMiss(name, clauses[0])
        for name, clauses in failing.items()
        if len(clauses) == 1 and outputs(table, name) not in said
    ]

    assert found.near == tuple(near[:NEAREST])


def outputs(table: DecisionTable, name: str) -> list[tuple[type, object]]:
    (rule,) = (rule for rule in table.rules if rule.name == name)
    return [
        (bool if isinstance(out, bool) else float if isinstance(out, (int, float)) else type(out), out)
        for out in rule.outputs
    ]


def failed(table: DecisionTable, rule: Rule, facts: Facts) -> list[str]:
    cells = zip(table.inputs, rule.cells, strict=True)
    return [clause.name for clause, cell in cells if not cell.holds(read_fact(clause.kind, facts.get(clause.name)))]


class TestWhyNot:
    def test_each_rule_for_a_department_says_which_cells_failed(self) -> None:
        assert why_not(CARE, {"age": 30}, "akan") == (
            Refusal("row 0", (Failed("age", ">= 65", 30), Failed("district", '"Akan"', None))),
        )

    def test_the_rule_that_was_nearest_comes_first(self) -> None:
        table = a_table("F", (">= 65", '"Akan"', "a"), ("< 15", "-", "a"), ("-", "-", "b"))

        assert [refusal.rule for refusal in why_not(table, {"age": 30}, "a")] == ["row 1", "row 0"]

    def test_a_rule_that_held_says_which_was_in_its_way(self) -> None:
        assert why_not(CARE, {"age": 80, "district": "Akan"}, "care") == (Refusal("row 1", (), ("row 0",)),)

    def test_in_a_conflict_the_rules_are_in_the_way_of_each_other(self) -> None:
        table = a_table("U", (">= 65", "-", "care"), ("-", '"Akan"', "akan"))

        assert why_not(table, {"age": 80, "district": "Akan"}, "care") == (Refusal("row 0", (), ("row 1",)),)

    def test_a_rule_is_asked_for_by_its_name_too(self) -> None:
        assert why_not(CARE, {"age": 30}, "row 2") == (Refusal("row 2", (Failed("age", "< 15", 30),)),)

    @pytest.mark.parametrize("wanted", ["roads", "children"])
    def test_what_no_rule_gives_and_what_was_decided_have_no_refusal(self, wanted: str) -> None:
        assert why_not(CARE, {"age": 9}, wanted) == ()

    def test_1_is_not_refused_where_true_is_asked_for(self) -> None:
        rules = (Rule("number", (parse_cell("> 1"),), (1,)), Rule("boolean", (parse_cell("> 2"),), (True,)))
        table = DecisionTable("t", "F", (Input("x", "number"),), (Output("out"),), rules)

        assert [refusal.rule for refusal in why_not(table, {}, True)] == ["boolean"]  # noqa: FBT003

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.data())
    def test_a_rule_has_a_refusal_or_it_decided(self, data: st.DataObject) -> None:
        table = data.draw(tables())
        facts = data.draw(facts_of(table))
        verdict = explain(table, facts).verdict

        for rule in table.rules:
            found = why_not(table, facts, rule.name)
            assert (found == ()) == (rule.name in verdict.decided)
            assert all([one.clause for one in refusal.failed] == failed(table, rule, facts) for refusal in found)
            assert all(bool(refusal.in_the_way) == (rule.name in verdict.held) for refusal in found)
