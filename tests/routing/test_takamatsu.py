"""A whole city's organisation at three dates: 高松市, as it publishes it (shared/data/jp/takamatsu_org)."""

import csv
import gzip
import re
from collections import Counter
from datetime import date
from io import StringIO

import pytest

from services.routing.organisation_snapshots import read_snapshot
from services.routing.organisations import (
    read_confirmations,
    read_organisation,
    unite,
    write_organisation,
    write_suggestions,
)
from services.routing.rules.organisation import Organisation
from services.routing.rules.snapshots import Snapshot, compare, repeated
from services.routing.rules.succession import suggest, unsettled
from tests.conftest import shared_data

NAMES = ("0083_202004", "0083_202104", "0083_202404")
D2020, D2021, D2024 = DAYS = date(2020, 4, 1), date(2021, 4, 1), date(2024, 4, 1)


def content(file: str) -> bytes:
    return shared_data(f"jp/takamatsu_org/{file}").read_bytes()


def rows(name: str) -> list[dict[str, str]]:
    """The file's rows as the standard library reads them, columns in small letters."""
    lines = csv.DictReader(StringIO(gzip.decompress(content(f"{name}.csv.gz")).decode()))
    return [{column.lower(): cell for column, cell in line.items()} for line in lines]


@pytest.fixture(scope="module")
def snapshots() -> list[Snapshot]:
    return [read_snapshot(content(f"{name}.csv.gz"), name) for name in NAMES]


@pytest.fixture(scope="module")
def found(snapshots: list[Snapshot]) -> Organisation:
    return unite(snapshots)


@pytest.mark.parametrize("name", NAMES)
def test_the_workbook_says_the_same_as_the_csv(name: str) -> None:
    assert read_snapshot(content(f"{name}.xlsx"), name) == read_snapshot(content(f"{name}.csv.gz"), name)


def test_every_file_says_its_day(snapshots: list[Snapshot]) -> None:
    assert tuple(snapshot.day for snapshot in snapshots) == DAYS


def test_every_row_of_every_file_is_a_sighting_and_cited_by_one_unit(
    snapshots: list[Snapshot], found: Organisation
) -> None:
    cited = Counter(
        (name, int(row))
        for unit in found.units
        for name, listed in re.findall(r"(0083_\d+) row (\d+(?: and \d+)*)", unit.source)
        for row in listed.split(" and ")
    )

    assert [len(snapshot.sightings) for snapshot in snapshots] == [len(rows(name)) for name in NAMES] == [380, 394, 392]
    assert cited == Counter((name, row) for name in NAMES for row in range(2, len(rows(name)) + 2))


@pytest.mark.parametrize("name,day", list(zip(NAMES, DAYS, strict=True)))
def test_every_code_and_every_name_is_there_on_the_day_of_its_file(name: str, day: date, found: Organisation) -> None:
    for row in rows(name):
        path = found.path(row["affiliationcode"], day)

        assert path, row
        assert path[-1].kind == row["mechanismname"]
        full = "".join(unit.name for unit in path)
        assert (
            row["affiliationname"] in (full, full.removeprefix("高松市"))
            or f"in full {row['affiliationname']}" in path[-1].source
        )
    assert len(found.units_on(day)) == len({row["affiliationcode"] for row in rows(name)})


def test_the_two_codes_that_stand_twice_are_told(snapshots: list[Snapshot]) -> None:
    assert [dict(repeated(snapshot)) for snapshot in snapshots] == [
        {},
        {},
        {"8510100000": (390, 392), "8510200000": (391, 393)},
    ]


def test_of_three_offices_of_one_name_each_keeps_its_own_sections(found: Organisation) -> None:
    offices = {
        unit.parent for unit in found.units_on(D2021) if unit.name in ("障がい福祉課", "長寿福祉課", "こども家庭課")
    }

    assert offices == {"2520000000", "2526000000", "2535000000"}


@pytest.mark.parametrize(
    "one,other,expected",
    [
        (D2020, D2021, {"removed": 10, "added": 24, "renamed": 1}),
        (D2021, D2024, {"removed": 58, "added": 54, "renamed": 6}),
    ],
)
def test_what_changed_between_two_files(one: date, other: date, expected: dict[str, int], found: Organisation) -> None:
    assert Counter(change.what for change in compare(found, one, other)) == expected


def test_the_same_code_can_be_another_unit_and_is_not_followed(found: Organisation) -> None:
    before, after = found.unit("1010104000", D2021), found.unit("1010104000", D2024)
    assert before is not None
    assert after is not None
    assert (before.name, after.name) == ("移住・定住促進室", "東京事務所")

    assert found.successor("1010104000", D2024, since=D2021).cause == "ended"


def test_no_unit_that_vanished_has_a_successor_before_a_person_confirms_one(found: Organisation) -> None:
    vanished = [unit for unit in found.units if unit.valid_until]

    assert list(unsettled(found)) == vanished
    assert len(vanished) == 75


def test_a_unit_whose_name_goes_on_under_another_code_is_suggested_first(found: Organisation) -> None:
    checked = 0
    for ended in unsettled(found):
        assert ended.day_after is not None
        namesakes = {unit.code for unit in found.units_on(ended.day_after) if unit.name == ended.name}
        if namesakes:
            checked += 1
            assert suggest(found, ended)[0].successor.code in namesakes
    assert checked == 41


@pytest.mark.parametrize(
    "code,name",
    [
        ("1015100000", "協働コミュニティ推進課"),
        ("1010200000", "人権・男女共同参画推進課"),
        ("2510101000", "地域共生社会推進課"),
        ("3510101000", "企業立地推進課"),
        ("1530100000", "広聴広報・シティプロモーション課"),
    ],
)
def test_a_unit_of_a_like_name_is_suggested_first(code: str, name: str, found: Organisation) -> None:
    ended = next(unit for unit in unsettled(found) if unit.code == code)

    assert suggest(found, ended)[0].successor.name == name


@pytest.mark.parametrize("code,name", [("2540303700", "川島こども園"), ("2540304400", "浅野こども園")])
def test_a_place_in_common_says_more_than_an_ending(code: str, name: str, found: Organisation) -> None:
    ended = next(unit for unit in unsettled(found) if unit.code == code)

    assert name in [suggestion.successor.name for suggestion in suggest(found, ended)]


def test_every_unit_that_vanished_stands_in_the_file_for_a_person(found: Organisation) -> None:
    lines = list(csv.DictReader(StringIO(write_suggestions(found).removeprefix("\ufeff"))))

    assert {(line["code"], line["last_day"]) for line in lines} == {
        (unit.code, str(unit.valid_until)) for unit in unsettled(found)
    }
    assert {line["confirmed"] for line in lines} == {""}
    assert all(line["reason_ja"] and line["reason_en"] for line in lines)


def test_what_a_person_confirms_becomes_the_successor_and_nothing_else(
    snapshots: list[Snapshot], found: Organisation
) -> None:
    written = write_suggestions(found).splitlines()
    confirmed = "\n".join(f"{line}yes" if line.startswith("1510100000,秘書課") else line for line in written)

    again = unite(snapshots, read_confirmations(confirmed.encode(), "successors.csv"))

    secretary = again.successor("1510100000", D2024, since=D2021).unit
    assert secretary is not None
    assert (secretary.code, secretary.name) == ("1010200000", "秘書課")
    assert len(unsettled(again)) == len(unsettled(found)) - 1


def test_the_imported_organisation_is_a_pack_s_organisation(found: Organisation) -> None:
    assert read_organisation(write_organisation(found.units).encode(), "organisation.csv") == found
