"""Who is responsible, until when, and why."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.routing.rules.assigning import Assignment, Facts, RunnerUp, assign, reassign
from services.routing.rules.rule_sets import RuleSet
from tests.routing.small_pack import HEADER, rule_set

TUESDAY = date(2026, 11, 24)
LIFE_EVENT = (
    "C,in:procedure,in:children:boolean,in:insurance,out:department,out:days:number,note:reason\n"
    '1,"""arrival""",-,-,roads,1,届出のため。\n'
    '2,"""arrival""",true,-,waste,30,こどものため。\n'
    '3,"""arrival""",-,"""national""",waste,14,保険のため。\n'
)
STORM = 'F,in:procedure,in:amount:number,out:department,note:reason\n1,"""snow""",> 2,waste,嵐のため。\n'
STORM_ASKED = {"overlays/storm/rules/snow": STORM, "procedures": "code,period_days,period_kind\nsnow,3,days\n"}
SMALL = rule_set(
    **{
        "rules/arrival": LIFE_EVENT,
        "overlays/storm/rules/snow": STORM,
        "overlays/storm/procedures": "code,period_days,period_kind\nmove,9,days\n",
    }
)


def only(facts: Facts, rules: RuleSet = SMALL, received: date = TUESDAY) -> Assignment:
    (found,) = assign(facts, rules, received)
    return found


def test_the_first_row_that_holds_decides_and_says_why() -> None:
    found = only({"procedure": "snow", "district": "far", "colour": "red"})

    assert (found.department, found.rows, found.table, found.cause) == ("waste", ("S1",), "routing", None)
    assert found.reason == "遠い地区のため。"
    assert found.inputs == {"procedure": "snow", "district": "far"}


def test_the_runners_up_are_those_outranked_and_those_that_failed_in_one_cell() -> None:
    far, near = only({"procedure": "snow", "district": "far"}), only({"procedure": "snow", "district": "near"})

    assert RunnerUp("S2") in far.runners_up
    assert RunnerUp("S1", "district", '"far"') in near.runners_up


@pytest.mark.parametrize(
    "facts,due_on",
    [
        ({"procedure": "snow"}, date(2026, 11, 27)),
        ({"procedure": "move"}, date(2026, 12, 1)),
        ({"procedure": "move", "district": "far"}, date(2026, 12, 3)),
        ({"procedure": "lamp"}, date(2026, 12, 3)),
    ],
    ids=["calendar days", "business days", "business days of an area", "the row's own days"],
)
def test_it_is_due_by_the_procedures_clock_and_the_areas_calendar(facts: Facts, due_on: date) -> None:
    assert only(facts).due_on == due_on


def test_a_life_event_opens_a_case_for_everybody_concerned_each_with_its_own_deadline() -> None:
    found = assign({"procedure": "arrival", "children": True, "insurance": "employer"}, SMALL, TUESDAY)

    assert [(one.department, one.rows, one.due_on.day) for one in found] == [
        ("roads", ("1",), 25),
        ("waste", ("2",), 24),
    ]


def test_a_life_event_with_a_missing_fact_asks_a_person_as_well() -> None:
    *decided, doubt = assign({"procedure": "arrival", "children": False}, SMALL, TUESDAY)

    assert [one.department for one in decided] == ["roads"]
    assert (doubt.department, doubt.cause, doubt.missing) == ("triage", "no-match", ("insurance",))
    assert "insurance がわからない" in doubt.reason


def test_what_no_row_knows_goes_to_triage() -> None:
    found = only({"procedure": "ghosts"})

    assert (found.department, found.cause, found.rows) == ("triage", "no-match", ())
    assert found.due_on == date(2026, 11, 27)


ALL_ASKED = "code,period_days,period_kind\nsnow,3,days\n"
WORDS = "code,name_ja,name_easy,name_en\ndistrict,地区,,\n"


def test_a_missing_fact_is_named() -> None:
    rules = rule_set('1,"""snow""","""far""",-,roads,,a', procedures=ALL_ASKED)

    found = only({"procedure": "snow"}, rules)

    assert (found.department, found.missing, found.reason) == (
        "triage",
        ("district",),
        "district がわからないため、規則で決められませんでした。",
    )


def test_a_fact_missing_before_the_row_that_would_decide_is_asked_for_and_never_guessed() -> None:
    rules = rule_set(*ROWS, procedures=ALL_ASKED, words=WORDS)

    found = only({"procedure": "snow"}, rules)

    assert (found.department, found.cause, found.missing, found.rows) == ("triage", "no-match", ("district",), ())
    assert found.reason == "地区 がわからないため、規則で決められませんでした。"
    assert found.runners_up == (RunnerUp("S1", "district", '"far"'), RunnerUp("S2"))


def test_a_fact_that_the_procedure_does_not_ask_for_is_not_missing() -> None:
    asked = "code,facts,period_days,period_kind\nsnow,{},3,days\n"

    by_what = [only({"procedure": "snow"}, rule_set(*ROWS, procedures=asked.format(facts))) for facts in FACTS_ASKED]

    assert [found.department for found in by_what] == ["roads", "roads", "triage"]


ROWS = ('S1,"""snow""","""far""",-,waste,,a', 'S2,"""snow""",-,-,roads,,b')
FACTS_ASKED = ("", "district? amount", "district")


def test_rows_that_leave_nothing_open_decide_together() -> None:
    rules = rule_set(
        '1,"""snow""","""far""",-,roads,,a', '2,"""snow""","not(""far"")",-,roads,,b', procedures=ALL_ASKED
    )

    found = only({"procedure": "snow"}, rules)

    assert (found.department, found.rows, found.reason, found.cause) == ("roads", ("1", "2"), "a", None)


def test_a_life_event_that_lacks_two_facts_of_one_row_asks_for_both() -> None:
    both = LIFE_EVENT.replace('3,"""arrival""",-,', '3,"""arrival""",true,')

    *decided, doubt = assign({"procedure": "arrival"}, rule_set(**{"rules/arrival": both}), TUESDAY)

    assert [one.department for one in decided] == ["roads"]
    assert doubt.missing == ("children", "insurance")


def test_an_overlay_that_may_concern_the_case_is_not_passed_over() -> None:
    (found,) = assign({"procedure": "snow", "district": "near"}, rule_set(**STORM_ASKED), TUESDAY, ["storm"])

    assert (found.department, found.missing, found.table) == ("triage", ("amount",), "storm/snow")


def test_a_department_that_no_longer_exists_goes_to_triage() -> None:
    rules = rule_set('1,"""snow""",-,-,old,,a')

    assert only({"procedure": "snow"}, rules, date(2026, 3, 31)).department == "old"
    gone = only({"procedure": "snow"}, rules)

    assert (gone.department, gone.cause) == ("triage", "unknown-department")
    assert "old" in gone.reason


def test_rows_that_contradict_each_other_go_to_triage_with_their_names() -> None:
    unique = HEADER.replace("F,", "U,", 1) + '1,"""snow""",-,-,roads,,a\n2,-,"""far""",-,waste,,b\n'
    rules = rule_set(**{"rules/routing": unique})

    found = only({"procedure": "snow", "district": "far"}, rules)

    assert (found.department, found.cause, found.rows) == ("triage", "conflict", ("1", "2"))


def test_a_deadline_beyond_the_calendar_goes_to_triage_and_is_never_guessed() -> None:
    found = only({"procedure": "move"}, SMALL, date(2029, 12, 30))

    assert (found.department, found.cause) == ("triage", "conflict")
    assert "2029-12-31" in found.reason


@pytest.mark.parametrize(
    "suggestion,department", [("waste", "waste"), ("roads", None), ("old", None), ("ghosts", None), (None, None)]
)
def test_a_returned_case_goes_where_its_desk_says_if_that_exists_today(
    suggestion: str | None, department: str | None
) -> None:
    assert reassign(suggestion, "roads", SMALL, TUESDAY) == department


FACTS = st.fixed_dictionaries(
    {"procedure": st.sampled_from(["snow", "move", "lamp", "arrival", "ghosts"])},
    optional={
        "district": st.sampled_from(["far", "near"]),
        "amount": st.integers(-1, 5) | st.booleans() | st.text(max_size=2),
        "children": st.booleans() | st.integers(0, 1),
        "insurance": st.sampled_from(["national", "employer"]),
    },
)


STRICT = rule_set(
    'S1,"""snow""","""far""",-,waste,,a',
    'S2,"""snow""",-,> 3,waste,,a',
    'S3,"""snow""","""near""",< 1,waste,9,a',
    'S4,"""snow""",-,-,roads,,b',
    'M1,"""move""",-,[0..2],roads,,c',
    'M2,"""move""","""far""",> 1,waste,,d',
    'L1,-,"""far""",-,old,,d',
    **{"rules/arrival": LIFE_EVENT, "overlays/storm/rules/snow": STORM, "procedures": ALL_ASKED},
)


@settings(max_examples=400)
@given(FACTS, st.sampled_from([(), ("storm",)]), st.sampled_from([SMALL, STRICT]))
def test_decided_again_from_what_is_stored_every_case_is_the_same_its_deadline_too(
    facts: Facts, overlays: tuple[str, ...], rules: RuleSet
) -> None:
    def essence(cases: list[Assignment]) -> list[object]:
        return [(one.table, one.department, one.rows, one.due_on, one.cause, one.reason, one.missing) for one in cases]

    found = assign(facts, rules, TUESDAY, overlays)

    for one in found:
        assert essence(assign(one.inputs, rules, TUESDAY, overlays)) == essence(found)
        assert set(one.inputs) <= set(facts)
