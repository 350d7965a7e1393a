from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.rules import assigning as rules
from services.routing.rules.assigning import InvalidTable, compile_table

KUSHIRO = Path(__file__).parents[2] / "cities" / "kushiro"
DEPARTMENTS = "code,name_ja\nroads,道路\nwaste,ごみ\n"
HEADER = "F,in:procedure,in:district,in:amount,out:department,out:days,note:reason\n"
EVENING = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)  # already the 25th in Japan


def table(*rows: str) -> rules.Table:
    return compile_table("t", HEADER + "\n".join(rows) + "\n", DEPARTMENTS)


SNOW = '"""snow"""'


def test_the_first_row_that_holds_decides() -> None:
    found = rules.assign({"procedure": "snow"}, table(f"1,{SNOW},-,-,roads,3,a", f"2,{SNOW},-,-,waste,5,b"), EVENING)

    assert (found.department, found.rows, found.reason, found.cause) == ("roads", ("1",), "a", None)


def test_the_first_day_is_not_counted_and_days_are_japanese() -> None:
    found = rules.assign({"procedure": "snow"}, table(f"1,{SNOW},-,-,roads,3,a"), EVENING)

    assert found.due_on == date(2026, 11, 28)


def test_the_values_that_mattered_are_kept_and_no_others() -> None:
    facts: rules.Facts = {"procedure": "snow", "district": "akan", "amount": 5, "colour": "red"}

    found = rules.assign(facts, table(f"1,{SNOW},-,> 3,roads,3,a"), EVENING)

    assert found.inputs == {"procedure": "snow", "amount": 5}


def test_no_match_goes_to_triage_with_what_was_asked() -> None:
    found = rules.assign({"procedure": "deer"}, table(f"1,{SNOW},-,-,roads,3,a"), EVENING)

    assert (found.department, found.cause, found.inputs) == ("triage", "no-match", {"procedure": "deer"})


def test_a_department_that_does_not_exist_goes_to_triage() -> None:
    found = rules.assign({"procedure": "snow"}, table(f"1,{SNOW},-,-,ghosts,3,a"), EVENING)

    assert (found.department, found.cause) == ("triage", "unknown-department")


def test_a_missing_fact_satisfies_only_a_dash() -> None:
    found = table(f'1,{SNOW},"""akan""",-,roads,3,a', f"2,{SNOW},-,-,waste,3,b")

    assert rules.assign({"procedure": "snow"}, found, EVENING).rows == ("2",)


@pytest.mark.parametrize(
    "cell,value,holds",
    [
        ('"a", "b"', "b", True),
        ('"a"', "b", False),
        ("-", None, True),
        ("3", 3, True),
        ("3", 3.0, True),
        ("3.5, 4", 4, True),
        ("> 3", 3, False),
        (">= 3", 3, True),
        ("< -1", -2, True),
        ("[1..5]", 5, True),
        ("[1..5)", 5, False),
        ("(1..5]", 1, False),
        ("]1..5[", 2, True),
        ("> 3", "x", False),
        ("> 0", True, False),
        ("true", True, True),
        ('not("a", "b")', "c", True),
        ('not("a")', "a", False),
        ('not("a")', None, False),
    ],
)
def test_cells_mean_what_s_feel_says(cell: str, value: rules.Value | None, holds: bool) -> None:  # noqa: FBT001
    quoted = cell.replace('"', '""')
    facts: rules.Facts = {} if value is None else {"amount": value}

    found = rules.assign(facts, table(f'1,-,-,"{quoted}",roads,3,a'), EVENING)

    assert (found.cause is None) == holds


@pytest.mark.parametrize(
    "content,words",
    [
        ("U,in:procedure,out:department,out:days\n", "expected the hit policy F"),
        (HEADER + '1,"snow",-,-,roads,soon,a\n', "row 2, column out:days: expected a number of days, found 'soon'"),
        (HEADER + "1,snow,-,-,roads,3,a\n", "row 2, column 2 (in:procedure): expected -,"),
        (HEADER + "1,-,-,-,roads,3,a\n2,-,-,[1..,roads,3,a\n", "row 3, column 4 (in:amount)"),
        (HEADER + "1,-,-\n", "row 2: expected 7 cells, found 3"),
    ],
)
def test_an_error_names_table_row_column_and_what_was_expected(content: str, words: str) -> None:
    with pytest.raises(InvalidTable, match="t, ") as error:
        compile_table("t", content, DEPARTMENTS)

    assert words in str(error.value)


def test_a_rule_set_is_named_by_its_content() -> None:
    one, same, other = table("1,-,-,-,roads,3,a"), table("1,-,-,-,roads,3,a"), table("1,-,-,-,roads,4,a")

    assert one.hash == same.hash != other.hash


@given(
    st.lists(
        st.tuples(st.sampled_from(["-", '""a""', '""b""']), st.sampled_from(["-", "> 3", "[1..5]", "2"])), max_size=6
    )
)
def test_compiled_tables_decide_as_reading_them_row_by_row_does(cells: list[tuple[str, str]]) -> None:
    compiled = table(*(f'{n},"{first}",-,"{second}",roads,3,a' for n, (first, second) in enumerate(cells)))
    for procedure in ("a", "b", "c"):
        for amount in range(8):
            expected = next((n for n, row in enumerate(cells) if _holds(row, procedure, amount)), None)
            assert compiled.first_hit({"procedure": procedure, "amount": amount}) == expected


def _holds(row: tuple[str, str], procedure: str, amount: int) -> bool:
    first = row[0] == "-" or row[0].strip('"') == procedure
    second = {"-": True, "> 3": amount > 3, "[1..5]": 1 <= amount <= 5, "2": amount == 2}[row[1]]
    return first and second


def test_the_kushiro_pack_compiles_and_names_only_departments_there_are() -> None:
    pack = compile_table(
        "routing", (KUSHIRO / "rules/routing.csv").read_text("utf-8"), (KUSHIRO / "departments.csv").read_text("utf-8")
    )

    assert {row.department for row in pack.rows} <= pack.departments
    assert all(row.reason and row.source for row in pack.rows)


@pytest.mark.parametrize(
    "facts,department",
    [
        ({"procedure": "road.snow"}, "doro-iji"),
        ({"procedure": "road.snow", "district": "akan"}, "akan-shimin"),
        ({"procedure": "road.snow", "district": "akan", "circumstance": "national"}, "doro-iji"),
        ({"procedure": "animal.deer", "district": "onbetsu"}, "onbetsu-shimin"),
        ({"procedure": "disaster.certificate", "circumstance": "fire"}, "shobo"),
        ({"procedure": "disaster.certificate"}, "zeimu"),
        ({"procedure": "child-allowance.claim"}, "kodomo-shien"),
        ({"procedure": "something.new"}, "triage"),
    ],
)
def test_kushiro_routes_by_area_owner_and_cause(facts: rules.Facts, department: str) -> None:
    pack = compile_table(
        "routing", (KUSHIRO / "rules/routing.csv").read_text("utf-8"), (KUSHIRO / "departments.csv").read_text("utf-8")
    )

    assert rules.assign(facts, pack, EVENING).department == department
