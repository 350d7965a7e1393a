"""What is wrong with a decision table, and that nothing is missed."""

from collections.abc import Collection, Sequence

import pytest
from hypothesis import HealthCheck, given, settings

from services.routing.rules.covering import Undecided
from services.routing.rules.findings import Finding, Proof
from services.routing.rules.hits import outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.proof_wording import sentence
from services.routing.rules.proving import first_gap, prove
from services.routing.rules.sfeel import parse_cell, write_cell
from services.routing.rules.tables import DecisionTable, HitPolicy, Input, InvalidTable, Output, Rule
from services.routing.rules.values import Value
from tests.routing.brute_force import Case, cases, small_tables, wrong


def expect_the_same_as_by_brute_force(table: DecisionTable, missing: Collection[str]) -> None:
    proof, expected = prove(table, missing=missing, at_most=10_000), wrong(table, missing)

    found = {kind: {f.positions for f in proof.findings if f.kind == kind} for kind in expected.rules}
    found["shadowed"] = {positions[:1] for positions in found.get("shadowed", ())}

    assert found == {"shadowed": set(), **expected.rules}
    assert {finding.kind for finding in proof.findings} <= {*expected.rules, "gap"}
    assert any(finding.kind == "gap" for finding in proof.findings) == bool(expected.gaps)
    assert not proof.undecided
    expect_witnesses(table, missing, proof)
    expect_gaps(table, missing, proof, expected.gaps)


def expect_witnesses(table: DecisionTable, missing: Collection[str], proof: Proof) -> None:
    for finding in proof.findings:
        if finding.kind == "never-holds":
            assert finding.witness is None
            continue
        assert finding.witness is not None
        assert list(finding.witness) == [clause.name for clause in table.inputs]
        for clause in table.inputs:
            value = finding.witness[clause.name]
            assert clause.name in missing if value is None else clause.allowed.holds(value)
        expect_to_show(table, missing, finding, hits(table, finding.witness))


def expect_to_show(table: DecisionTable, missing: Collection[str], finding: Finding, held: list[int]) -> None:
    if finding.kind == "gap":
        assert held == []
    elif finding.kind == "shadowed":
        rule, *by = finding.positions
        assert rule in held
        assert outcome(table, held).rules[0] != rule
        taken = [hit for case in cases(table, missing) if rule in (hit := hits(table, case))]
        assert all(outcome(table, sorted((rule, other))).rules == (other,) for other in by)
        assert all(set(by) & set(hit) for hit in taken)
    else:
        assert set(finding.positions) <= set(held)


def expect_gaps(
    table: DecisionTable, missing: Collection[str], proof: Proof, gaps: list[dict[str, Value | None]]
) -> None:
    """A case lies in a region that is described if and only if no rule takes it."""
    regions = [finding for finding in proof.findings if finding.kind == "gap"]
    described = [case for case in cases(table, missing) if any(lies_in(case, finding) for finding in regions)]
    assert proof.totals["gap"] == len(regions)
    assert described == gaps


def lies_in(case: Case, finding: Finding) -> bool:
    return all(_lies_in(name, value, finding) for name, value in case.items())


def _lies_in(name: str, value: Value | None, finding: Finding) -> bool:
    if name not in finding.region and name not in finding.missing:
        return True
    if value is None:
        return name in finding.missing
    return name in finding.region and finding.region[name].holds(value)


def a_table(
    policy: HitPolicy, inputs: Sequence[Input], *rows: Sequence[str], default: Value | None = None
) -> DecisionTable:
    """Of each row all but the last are cells, the last is what it puts out."""
    rules = (Rule(f"row {at}", tuple(map(parse_cell, row[:-1])), (row[-1],)) for at, row in enumerate(rows, start=1))
    return DecisionTable("t", policy, tuple(inputs), (Output("department", None, ("a", "b"), default),), tuple(rules))


def listed(proof: Proof) -> list[tuple[str, ...]]:
    return [(finding.kind, *finding.rules) for finding in proof.findings]


def regions(proof: Proof) -> list[dict[str, str]]:
    gaps = [finding for finding in proof.findings if finding.kind == "gap"]
    return [{name: write_cell(cell) for name, cell in gap.region.items()} for gap in gaps]


DISTRICT = Input("district", "string", parse_cell('"akan", "chuo", "onbetsu"'))
AMOUNT = Input("amount", "number")
DAY = Input("day", "date")
WARNED = Input("warned", "boolean")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(small_tables())
def test_what_is_found_is_what_going_through_all_cases_finds(drawn: tuple[DecisionTable, list[str]]) -> None:
    expect_the_same_as_by_brute_force(*drawn)


@pytest.mark.long
@pytest.mark.timeout(3600)
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(small_tables())
def test_nothing_is_missed_and_nothing_is_false_in_20_000_tables(drawn: tuple[DecisionTable, list[str]]) -> None:
    expect_the_same_as_by_brute_force(*drawn)


@pytest.mark.parametrize(
    "policy,rows,found",
    [
        ("U", [("> 3", "a"), ("< 5", "b")], [("conflict", "row 1", "row 2")]),
        ("U", [("> 3", "a"), ("< 5", "a")], [("overlap", "row 1", "row 2")]),
        ("A", [("> 3", "a"), ("< 5", "b")], [("conflict", "row 1", "row 2")]),
        ("A", [("> 3", "a"), ("< 5", "a")], []),
        ("C", [("> 3", "a"), ("< 5", "b")], []),
        ("F", [("> 3", "a"), ("< 5", "b"), ("[1..9]", "c")], [("shadowed", "row 3", "row 1", "row 2")]),
        ("F", [("[1..9]", "c"), ("> 3", "a"), ("< 5", "b")], []),
        ("P", [("[1..9]", "b"), ("-", "a")], [("shadowed", "row 1", "row 2")]),
        ("P", [("[1..9]", "a"), ("-", "b")], []),
        ("C", [("-", "a"), ("1, 2", "b"), ("2, 1", "b")], [("duplicate", "row 2", "row 3")]),
        ("C", [("-", "a"), ("1, 2", "b"), ("2, 1", "c")], []),
        ("C", [("-", "a"), ("[1..2)", "b"), ("[1..1)", "b")], [("never-holds", "row 3")]),
    ],
)
def test_each_policy_has_its_faults(
    policy: HitPolicy, rows: list[tuple[str, ...]], found: list[tuple[str, ...]]
) -> None:
    assert listed(prove(a_table(policy, [AMOUNT], *rows))) == found


@pytest.mark.parametrize(
    "inputs,rows,region",
    [
        ([AMOUNT], [("< 3", "x"), ("[3..10)", "x"), ("> 10", "x")], {"amount": "10"}),
        ([AMOUNT], [("<= 3", "x"), (">= 10", "x")], {"amount": "(3..10)"}),
        ([AMOUNT], [("<= 3", "x"), ("5", "x"), (">= 10", "x")], {"amount": "(3..5), (5..10)"}),
        ([AMOUNT], [("5", "x"), ("8", "x")], {"amount": "not(5, 8)"}),
        ([DISTRICT], [('"akan"', "x")], {"district": 'not("akan")'}),
        ([Input("district")], [('"akan"', "x"), ('"chuo"', "x")], {"district": 'not("akan", "chuo")'}),
        ([WARNED], [("true", "x")], {"warned": "false"}),
        ([DAY], [('< date("2026-04-01")', "x"), ('> date("2026-04-01")', "x")], {"day": 'date("2026-04-01")'}),
        ([DAY, AMOUNT], [('<= date("2026-04-01")', "-", "x")], {"day": '> date("2026-04-01")'}),
        (
            [DISTRICT, AMOUNT],
            [('"akan"', "<= 10", "x"), ('not("akan")', "-", "x")],
            {"district": '"akan"', "amount": "> 10"},
        ),
        ([AMOUNT], [], {}),
    ],
)
def test_a_gap_is_described_in_one_line(
    inputs: list[Input], rows: list[tuple[str, ...]], region: dict[str, str]
) -> None:
    assert regions(prove(a_table("U", inputs, *rows))) == [region]


def test_there_is_no_day_between_two_days() -> None:
    table = a_table("U", [DAY], ('<= date("2026-03-31")', "x"), ('>= date("2026-04-01")', "x"))

    assert listed(prove(table)) == []


def test_times_without_a_zone_are_a_gap_beside_times_that_have_one() -> None:
    noon, zoned = 'date and time("2026-04-01T12:00:00")', 'date and time("2026-04-01T12:00:00+09:00")'
    table = a_table("U", [Input("at", "date-time")], (f"<= {zoned}, > {zoned}", "x"), (f"[{noon}..{noon})", "x"))

    assert regions(prove(table)) == [{"at": f"<= {noon}, > {noon}"}]


def test_a_table_whose_outputs_have_a_default_has_no_gaps() -> None:
    table = a_table("U", [AMOUNT], ("> 3", "x"), default="y")

    assert (listed(prove(table)), first_gap(table)) == ([], None)


def test_a_fact_that_may_be_missing_leaves_a_gap_where_only_a_dash_would_hold() -> None:
    table = a_table("F", [WARNED], ("true", "x"), ("false", "x"))

    proof = prove(table, missing=["warned"])

    assert (listed(prove(table)), listed(proof)) == ([], [("gap",)])
    assert (proof.findings[0].witness, proof.findings[0].missing) == ({"warned": None}, ("warned",))


def test_a_last_row_for_missing_facts_is_shadowed_only_when_none_can_be_missing() -> None:
    table = a_table("F", [WARNED], ("true", "x"), ("false", "x"), ("-", "y"))

    assert listed(prove(table)) == [("shadowed", "row 3", "row 1", "row 2")]
    assert listed(prove(table, missing=["warned"])) == []


def test_a_row_that_asks_for_what_is_not_allowed_never_holds_and_says_in_which_cell() -> None:
    proof = prove(a_table("F", [DISTRICT, AMOUNT], ("-", "-", "x"), ('"kushiro"', "3", "x")))

    assert listed(proof) == [("never-holds", "row 2")]
    assert [*proof.findings[0].region] == ["district"]


def test_what_may_be_missing_is_an_input() -> None:
    with pytest.raises(InvalidTable, match="expected inputs that may be missing, found colour"):
        prove(a_table("F", [AMOUNT]), missing=["amount", "colour"])


def test_of_very_many_findings_some_are_listed_and_all_that_can_be_are_counted() -> None:
    rows = [(f"[{at}..{at}.5]", f"< {at}", "x") for at in range(200)]
    proof = prove(
        a_table("U", [AMOUNT, Input("other", "number")], *rows, *(("-", "-", "x") for _ in range(20))), at_most=7
    )
    gaps = prove(a_table("C", [AMOUNT, Input("other", "number")], *rows), at_most=7)

    assert proof.totals == {"never-holds": 0, "duplicate": 19, "overlap": 190 + 200 * 20, "conflict": 0, "gap": 0}
    assert (len(proof.findings), len(gaps.findings), gaps.totals["gap"]) == (14, 7, None)


def test_a_search_that_is_given_up_says_so() -> None:
    table = a_table("F", [AMOUNT], ("< 3", "x"), (">= 3", "x"), ("> 1", "x"))

    proof = prove(table, steps=1)

    assert proof.undecided == {"gap", "shadowed"}
    assert (proof.totals["gap"], proof.totals["shadowed"]) == (None, None)
    with pytest.raises(Undecided):
        first_gap(table, steps=1)


@pytest.mark.parametrize(
    "policy,rows,ja,en",
    [
        (
            "U",
            [("true", "-", "a"), ("-", "-", "b")],
            "表 t の規則 row 1、row 2 は、同時に当てはまる場合があり、結果が異なります。例：warned = true、amount = 0。",
            "t: the rules row 1 and row 2 hold together, with different outputs. Example: warned = true, amount = 0.",
        ),
        (
            "U",
            [("true", "-", "a"), ("-", "-", "a")],
            "表 t の規則 row 1、row 2 は、同時に当てはまる場合があります（結果は同じです）。例：warned = true、amount = 0。",
            "t: the rules row 1 and row 2 hold together, with the same outputs. Example: warned = true, amount = 0.",
        ),
        (
            "C",
            [("-", "-", "a"), ("-", "-", "a")],
            "表 t の規則 row 1、row 2 は、条件も結果も同じです。一方を削除してください。例：warned = true、amount = 0。",
            (
                "t: the rules row 1 and row 2 ask for the same and put out the same: delete one."
                " Example: warned = true, amount = 0."
            ),
        ),
        (
            "F",
            [("-", "<= 3", "a"), ("-", "> 3", "b"), ("true", "-", "c")],
            (
                "表 t の規則 row 3 は、決して使われません。先に規則 row 1、row 2 が、その場合のすべてを決めます。"
                "例：warned = true、amount = 2。"
            ),
            "t: rule row 3 never decides: row 1, row 2 take all its cases first. Example: warned = true, amount = 2.",
        ),
        (
            "F",
            [("-", "-", "a"), ("true", "[1..1)", "b")],
            "表 t の規則 row 2 は、どのような場合にも当てはまりません（起こりえない条件：amount: [1..1)）。",
            "t: rule row 2 never holds; what cannot be: amount: [1..1).",
        ),
        (
            "F",
            [("true", "-", "a"), ("-", "<= 3", "b")],
            (
                "表 t には、どの規則にも当てはまらない場合があります（warned: false または記載なし、amount: > 3 または記載なし）。"
                "例：warned = false、amount = 4。"
            ),
            (
                "t: no rule holds for warned: false or missing, amount: > 3 or missing."
                " Example: warned = false, amount = 4."
            ),
        ),
    ],
)
def test_a_finding_is_a_sentence_in_japanese_and_in_english(
    policy: HitPolicy, rows: list[tuple[str, ...]], ja: str, en: str
) -> None:
    table = a_table(policy, [WARNED, AMOUNT], *rows)

    proof = prove(table, missing=["warned", "amount"] if "または" in ja else [])

    assert [sentence(table, finding) for finding in proof.findings] == [{"ja": ja, "en": en}]
