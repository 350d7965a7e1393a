"""A city's file read as a history."""

from datetime import date
from pathlib import Path

import pytest

from channels.bulk import InvalidMapping, UnreadableFile, load_mapping
from channels.bulk.histories import Past, opened_history
from channels.bulk.mapping import Mapping

HEADER = "id,day,end,kind,area,who,team,how\n"


def mapping(**recorded: str) -> Mapping:
    return Mapping.model_validate(
        {
            "name": "mine",
            "about": "x",
            "municipality": "012068",
            "nothing": ["NULL"],
            "aliases": {"who": ["agency"]},
            "id": "id",
            "opened": {
                "columns": "day",
                "formats": ["%Y-%m-%d %H:%M", "%m/%d/%Y %I:%M:%S %p", "iso"],
                "zone": "Asia/Tokyo",
            },
            "channel": {"column": "how", "values": {"call": "phone"}},
            "procedure": {"columns": "kind", "values": {"Pothole": "road.pothole"}},
            "facts": {"district": "area", "request": "kind"},
            "recorded": recorded or {"department": "who", "queue": "team", "closed": "end"},
        }
    )


def read(folder: Path, text: str, *, wanted: frozenset[str] | None = None) -> list[Past | None]:
    path = folder / "history.csv"
    path.write_text(text, "utf-8")
    with opened_history(path, mapping(), expected="department", wanted=wanted) as history:
        return list(history.cases)


def test_a_row_is_what_rules_may_see_and_what_became_of_it(tmp_path: Path) -> None:
    row = "1,2026-01-31 23:00,02/03/2026 01:00:00 PM,Pothole,east,Roads,Crew 1,call\n"

    facts = (("procedure", "road.pothole"), ("channel", "phone"), ("district", "east"), ("request", "Pothole"))
    assert read(tmp_path, HEADER + row) == [Past(facts, "Roads", "Crew 1", date(2026, 1, 31), date(2026, 2, 3))]


def test_what_says_nothing_is_nothing(tmp_path: Path) -> None:
    (found,) = read(tmp_path, HEADER + "1,soon,NULL,Pothole,NULL,NULL, ,call\n", wanted=frozenset(("district",)))

    assert found == Past((), "", "", None, None)


def test_only_wanted_facts_are_read(tmp_path: Path) -> None:
    (found,) = read(tmp_path, HEADER + "1,,,Pothole,east,Roads,,call\n", wanted=frozenset(("procedure", "other")))

    assert found is not None
    assert found.facts == (("procedure", "road.pothole"),)


def test_a_row_of_another_shape_is_told_and_does_not_stop_the_rest(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "1,2\n" + "1,2026-01-31 23:00,,Pothole,east,Roads,,call\n")

    assert [case is None for case in found] == [True, False]


@pytest.mark.parametrize(
    "text,day",
    [
        ("2026-03-31T15:30:00Z", date(2026, 4, 1)),
        ("2026-03-31 15:30:00+00:00", date(2026, 4, 1)),
        ("2026-03-31 15:30", date(2026, 3, 31)),
        ("03/31/2026 11:59:59 PM", date(2026, 3, 31)),
        ("2026-02-30 10:00", None),
    ],
)
def test_days_are_those_of_the_zone(tmp_path: Path, text: str, day: date | None) -> None:
    (found,) = read(tmp_path, HEADER + f"1,{text},,Pothole,east,Roads,,call\n")

    assert found is not None
    assert found.opened == day


def test_a_file_needs_the_expected_column_in_one_of_its_spellings_and_may_lack_the_others(tmp_path: Path) -> None:
    (found,) = read(tmp_path, "id,day,kind,area,agency,how\n1,2026-01-31 10:00,Pothole,east,Roads,call\n")
    assert found is not None
    assert (found.department, found.queue, found.closed) == ("Roads", "", None)

    with pytest.raises(UnreadableFile, match="'who' or 'agency' is missing"):
        read(tmp_path, "id,day,kind,area,how\n1,2026-01-31 10:00,Pothole,east,call\n")


def test_a_mapping_that_does_not_say_what_was_recorded_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(InvalidMapping, match=r"'mine' does not say which column holds the queue .* under \[recorded\]"),
        opened_history(tmp_path / "x.csv", mapping(department="who"), expected="queue"),
    ):
        pass


def test_the_mappings_of_real_cities_say_what_was_recorded() -> None:
    assert all(load_mapping(name).recorded.department for name in ("boston", "baltimore", "nyc"))
    assert load_mapping("boston").recorded.queue == "queue"
