"""Which facts an application must carry is said in procedures.csv, and the proof goes by it."""

from datetime import date

import pytest

from services.routing.procedures import read_needs
from services.routing.rules.completeness import PackFinding, prove_pack
from services.routing.rules.organisation import InvalidOrganisation
from tests.routing.small_pack import rule_set

DAY = date(2026, 11, 24)
PROCEDURES = "code,facts,period_days,period_kind\nsnow,{},3,days\n"
OPEN = ('1,"""snow""","""far""",-,waste,,a', '2,"""snow""","not(""far"")",-,roads,,b')
CLOSED = (*OPEN, '3,"""snow""",-,-,waste,,c')


def findings(*rows: str, facts: str) -> list[PackFinding]:
    return prove_pack(rule_set(*rows, procedures=PROCEDURES.format(facts)), DAY)


def test_facts_are_needed_unless_a_question_mark_says_that_they_may_be_left_out() -> None:
    table = b"code,facts\nsnow,district circumstance? kind_of_snow\nlamp,\n"

    assert read_needs(table, "procedures.csv") == {"snow": {"district", "kind_of_snow"}, "lamp": frozenset()}


def test_without_the_column_nothing_is_said_of_any_procedure() -> None:
    assert read_needs(b"code,period_days\nsnow,3\n", "procedures.csv") == {}


@pytest.mark.parametrize("facts", ["District", "district, amount", "?", "a??"])
def test_what_is_no_name_of_a_fact_is_refused_with_its_place(facts: str) -> None:
    table = f'code,facts\nsnow,"{facts}"\n'.encode()

    with pytest.raises(
        InvalidOrganisation, match=r"procedures\.csv, row 2, column 2 \(facts\): expected names of facts"
    ):
        read_needs(table, "procedures.csv")


@pytest.mark.parametrize("facts", ["", "district?"])
def test_a_case_without_a_fact_that_may_be_left_out_must_be_routed(facts: str) -> None:
    (found,) = findings(*OPEN, facts=facts)

    assert (found.code, found.is_error) == ("not-routed", True)
    assert found.witness is not None
    assert (found.witness["procedure"], found.witness["district"]) == ("snow", None)
    assert findings(*CLOSED, facts=facts) == []


def test_where_a_fact_must_be_there_a_row_for_cases_without_it_is_in_vain() -> None:
    assert findings(*OPEN, facts="district") == []
    assert [found.code for found in findings(*CLOSED, facts="district")] == ["shadowed"]
