"""The pack of Kushiro fits together, keeps what was decided, and says what is not verified."""

import csv
import json
from collections import Counter
from collections.abc import Mapping
from datetime import date
from itertools import product
from pathlib import Path

import pytest

from services.routing.formats.csv_tables import read_csv
from services.routing.organisations import read_organisation
from services.routing.rules.cells import Equal
from services.routing.rules.hits import outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.proving import prove
from services.routing.rules.tables import DecisionTable
from tests.conftest import shared_data

KUSHIRO = Path(__file__).parents[2] / "cities" / "kushiro"
TODAY, IN_FORCE = date.today(), date(2027, 4, 1)  # noqa: DTZ011  a day in Japan or the one before, both are right
CLOSED = ("harutori", "sakuragaoka", "otanoshike", "tottori-bunshitsu")
UNVERIFIED = "unverified"


def lines(name: str) -> list[dict[str, str]]:
    with (KUSHIRO / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def table(name: str) -> DecisionTable:
    return read_csv((KUSHIRO / "rules" / f"{name}.csv").read_bytes(), file=f"{name}.csv", name=name)


ORGANISATION = read_organisation((KUSHIRO / "organisation.csv").read_bytes(), "organisation.csv")
UNITS = {unit.code: unit for unit in ORGANISATION.units}
PROCEDURES = {line["code"]: line for line in lines("procedures.csv")}
RESPONSIBILITY, MOVING_IN = table("responsibility"), table("moving-in")
TABLES = (RESPONSIBILITY, MOVING_IN)
BEFORE = read_csv((Path(__file__).parent / "kushiro_before.csv").read_bytes(), file="kushiro_before.csv", name="before")
"""Who was responsible by the first table of the pack."""
DISTRICTS = lines("districts.csv")


def procedures_of(decision_table: DecisionTable) -> set[str]:
    return {
        str(test.value)
        for rule in decision_table.rules
        for test in rule.cells[0].tests
        if isinstance(test, Equal)
    }  # fmt: skip


def departments_of(decision_table: DecisionTable) -> set[str]:
    return {str(rule.outputs[0]) for rule in decision_table.rules}


def responsible(**facts: object) -> object:
    return outcome(RESPONSIBILITY, hits(RESPONSIBILITY, facts)).result


def opened(**facts: object) -> dict[str, int]:
    found = outcome(MOVING_IN, hits(MOVING_IN, {"procedure": "moving-in", **facts})).result
    assert isinstance(found, list)
    return {each["department"]: each["days"] for each in found}


@pytest.mark.parametrize("day", [TODAY, IN_FORCE])
def test_every_department_of_the_rules_exists(day: date) -> None:
    departments = {department for each in TABLES for department in departments_of(each)}

    assert [code for code in sorted(departments) if not ORGANISATION.exists(code, day)] == []


def test_every_department_of_the_table_before_is_in_the_organisation() -> None:
    assert departments_of(BEFORE) <= UNITS.keys()


def test_every_procedure_of_the_rules_is_described_and_every_described_one_is_routed_by_its_table() -> None:
    for each in TABLES:
        assert procedures_of(each) == {code for code, line in PROCEDURES.items() if line["table"] == each.name}


def test_the_27_procedures_are_all_there() -> None:
    numbers = [line["number"] for line in PROCEDURES.values() if line["number"]]

    assert numbers == [str(number) for number in range(1, 28)]


def test_the_six_names_of_general_knowledge_and_no_others_are_marked() -> None:
    marked = {int(line["number"]) for line in PROCEDURES.values() if line["evidence"] == "GK"}

    assert marked == {11, 13, 14, 24, 25, 26}
    assert all(f"手続名 {UNVERIFIED}" in line["source"] for line in PROCEDURES.values() if line["evidence"] == "GK")


def test_every_period_is_by_law_or_marked_as_unverified() -> None:
    sure = {code for code, line in PROCEDURES.items() if UNVERIFIED not in line["source"]}

    assert sure == {"care.certification"}
    assert PROCEDURES["care.certification"]["law"] == "介護保険法27条11項"


def test_the_certification_of_care_need_has_its_stages() -> None:
    care = PROCEDURES["care.certification"]

    assert (care["period_days"], care["period_kind"]) == ("30", "days")
    assert care["stages"] == "assessment 7 days; opinion 13 days; board 12 days after assessment, opinion"


@pytest.mark.parametrize("column", ["name_ja", "name_easy", "name_en", "facts", "period_days", "source"])
def test_no_procedure_lacks_what_a_citizen_or_a_rule_needs(column: str) -> None:
    if column != "facts":
        assert [code for code, line in PROCEDURES.items() if not line[column]] == []
    for each in TABLES:
        for rule in each.rules:
            tested = {clause.name for clause, cell in zip(each.inputs, rule.cells, strict=True) if cell.tests} - {
                "procedure"
            }
            for test in rule.cells[0].tests:
                assert isinstance(test, Equal)
                assert tested <= set(PROCEDURES[str(test.value)]["facts"].replace("?", "").split()), rule.name


@pytest.mark.parametrize("decision_table", TABLES, ids=lambda each: each.name)
def test_no_rule_is_in_vain_and_no_case_without_one(decision_table: DecisionTable) -> None:
    proof = prove(decision_table)

    assert (proof.findings, proof.undecided) == ((), frozenset())


NOT_FOUND = ("koseki", "gakko-kyoiku", "hoiku", "kaigo", "kenchiku", "koen", "zeimu", "shobo")


def test_units_that_no_public_page_names_are_marked_and_all_others_have_a_source() -> None:
    assert {code for code, unit in UNITS.items() if UNVERIFIED in unit.source} == set(NOT_FOUND)
    assert all(unit.source for unit in ORGANISATION.units)


def test_every_rule_has_its_reason_source_and_owner_and_says_when_its_department_is_not_verified() -> None:
    for each in TABLES:
        for rule in each.rules:
            assert {"reason", "source", "owner"} <= rule.notes.keys(), rule.name
            assert UNVERIFIED in rule.notes["source"] or UNVERIFIED not in UNITS[str(rule.outputs[0])].source, rule.name


def test_a_day_is_given_only_where_it_is_known() -> None:
    assert {code for code, unit in UNITS.items() if unit.valid_from} == {"kodomo-katei"}
    assert {code for code, unit in UNITS.items() if unit.valid_until} == set(CLOSED)


@pytest.mark.parametrize("branch", CLOSED)
def test_a_branch_closed_on_its_last_day_and_nobody_is_guessed_to_succeed_it(branch: str) -> None:
    assert ORGANISATION.exists(branch, date(2023, 3, 31))
    assert not ORGANISATION.exists(branch, date(2023, 4, 1))
    assert ORGANISATION.successor(branch, TODAY, since=date(2023, 3, 31)).cause == "ended"


def test_the_centre_without_a_building_is_there_since_it_was_founded() -> None:
    assert not ORGANISATION.exists("kodomo-katei", date(2025, 9, 30))
    assert ORGANISATION.exists("kodomo-katei", date(2025, 10, 1))


@pytest.mark.parametrize("area", ["akan", "onbetsu"])
def test_the_centres_have_their_two_sections(area: str) -> None:
    sections = {unit.code for unit in ORGANISATION.units if unit.parent == f"{area}-center"}

    assert sections == {f"{area}-shimin", f"{area}-hoken"}


PLACES = [None, *(line["code"] for line in DISTRICTS)]
CIRCUMSTANCES = [None, "fire", "national", "prefectural", "municipal"]


@pytest.mark.parametrize("procedure", sorted(procedures_of(RESPONSIBILITY)))
def test_every_application_goes_where_the_table_before_sent_it(procedure: str) -> None:
    for district, circumstance in product(PLACES, CIRCUMSTANCES):
        given = {"procedure": procedure, "district": district, "circumstance": circumstance}
        facts = {name: value for name, value in given.items() if value is not None}
        before = outcome(BEFORE, hits(BEFORE, facts)).result
        assert (before is None) == procedure.startswith("residents."), facts
        is_in_doubt = procedure == "disaster.certificate" and circumstance is None  # fire or not: a person asks
        assert responsible(**facts) is None if is_in_doubt else before in (None, responsible(**facts)), facts


def test_no_procedure_of_the_table_before_was_forgotten() -> None:
    assert len(procedures_of(BEFORE)) == 66
    assert procedures_of(BEFORE) <= procedures_of(RESPONSIBILITY)


@pytest.mark.parametrize(
    "facts,department",
    [
        ({"district": "akan", "circumstance": "national", "snow_request": "berm"}, "doro-iji"),
        ({"district": "akan", "circumstance": "prefectural"}, "doro-iji"),
        ({"district": "akan", "circumstance": "municipal", "snow_request": "berm"}, "akan-shimin"),
        ({"district": "onbetsu", "snow_request": "not-cleared"}, "onbetsu-shimin"),
        ({"district": "kushiro", "snow_request": "dispatch"}, "doro-iji"),
        ({}, "doro-iji"),
    ],
)
def test_snow_goes_by_area_and_the_road_s_owner(facts: Mapping[str, str], department: str) -> None:
    assert responsible(procedure="road.snow", **facts) == department


def test_snow_in_the_city_is_explained_by_what_is_asked_for() -> None:
    kinds = [None, "berm", "not-cleared", "dispatch"]
    given = [{"procedure": "road.snow", "district": "kushiro", "snow_request": kind} for kind in kinds]

    assert [RESPONSIBILITY.rules[hits(RESPONSIBILITY, facts)[0]].name for facts in given] == [
        "S08",
        "S05",
        "S06",
        "S07",
    ]


@pytest.mark.parametrize(
    "district,department", [("akan", "akan-shimin"), ("onbetsu", "onbetsu-shimin"), ("kushiro", "kankyo-hozen")]
)
def test_deer_go_to_the_centre_of_their_area(district: str, department: str) -> None:
    assert responsible(procedure="animal.deer", district=district) == department


@pytest.mark.parametrize("procedure", ["residents.certificate", "residents.move"])
@pytest.mark.parametrize(
    "branch,department", [*((branch, "koseki") for branch in CLOSED), ("tottori", "tottori"), ("akanko-onsen", "akanko-onsen")]
)  # fmt: skip
def test_what_names_a_closed_branch_goes_to_the_main_office(procedure: str, branch: str, department: str) -> None:
    assert responsible(procedure=procedure, branch=branch) == department


@pytest.mark.parametrize(
    "facts,departments",
    [
        ({}, {"koseki": 1}),
        ({"insurance": "employer", "has_children": False, "children_of_school_age": False}, {"koseki": 1}),
        ({"insurance": "national"}, {"koseki": 1, "kokuho": 14}),
        ({"has_children": True, "children_of_school_age": False}, {"koseki": 1, "kodomo-shien": 30}),
        (
            {"insurance": "national", "has_children": True, "children_of_school_age": True},
            {"koseki": 1, "kokuho": 14, "kodomo-shien": 30, "gakko-kyoiku": 7},
        ),
    ],
)
def test_moving_in_opens_a_case_for_everybody_concerned_each_with_its_own_days(
    facts: Mapping[str, object], departments: Mapping[str, int]
) -> None:
    assert opened(**facts) == departments


@pytest.mark.parametrize("column", ["in:district", "in:branch"])
def test_what_a_rule_may_ask_for_exists_in_the_pack(column: str) -> None:
    name = column.removeprefix("in:")
    clause = next(clause for clause in RESPONSIBILITY.inputs if clause.name == name)
    allowed = {str(test.value) for test in clause.allowed.tests if isinstance(test, Equal)}
    known = {line["code"] for line in DISTRICTS} if name == "district" else {*UNITS, "main"}

    assert allowed
    assert allowed <= known


def area_of(town: str) -> str:
    """By the rule of districts.csv."""
    prefixes = {line["town_prefix"]: line["code"] for line in DISTRICTS if line["rule"] == "prefix"}
    otherwise = next(line["code"] for line in DISTRICTS if line["rule"] == "otherwise")
    return next((code for prefix, code in prefixes.items() if town.startswith(prefix)), otherwise)


def test_the_area_of_every_town_follows_from_its_name() -> None:
    with shared_data("jp/kushiro/townid_kushiro.csv").open(encoding="utf-8-sig", newline="") as file:
        areas = {line["town"]: area_of(line["town"]) for line in csv.DictReader(file)}

    assert Counter(areas.values()) == {"kushiro": 609, "akan": 232, "onbetsu": 63}
    assert all(("阿寒" in town) == (area == "akan") for town, area in areas.items())
    assert all(("音別" in town) == (area == "onbetsu") for town, area in areas.items())


def test_the_towns_of_the_old_towns_lie_apart_from_the_others() -> None:
    towns = json.loads(shared_data("jp/kushiro/geolonia_kushiro-shi.json").read_text("utf-8"))
    west_of = {
        area: [town["lng"] for town in towns if area_of(town["town"]) == area] for area in ("onbetsu", "kushiro")
    }
    north_of = {area: [town["lat"] for town in towns if area_of(town["town"]) == area] for area in ("akan", "kushiro")}

    assert max(west_of["onbetsu"]) < min(west_of["kushiro"])
    assert sorted(north_of["akan"])[len(north_of["akan"]) // 2] > max(north_of["kushiro"])


def test_the_registry_has_sixteen_small_areas_without_a_town_which_a_person_must_place() -> None:
    with shared_data("jp/kushiro/abr_012068_town.csv").open(encoding="utf-8-sig", newline="") as file:
        bare = [line["小字名"] for line in csv.DictReader(file) if not line["大字・町名"]]

    assert Counter(area_of(name) for name in bare) == {"kushiro": 16, "onbetsu": 1}
