"""Units over time, what is wrong with them, and who takes over."""

import gzip
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from console.organisation import organisation as command
from services.routing.organisation_snapshots import read_snapshot
from services.routing.organisations import (
    read_confirmations,
    read_organisation,
    unite,
    write_organisation,
    write_suggestions,
)
from services.routing.rules.consistency import organise
from services.routing.rules.organisation import InvalidOrganisation, Language, Organisation, Unit
from services.routing.rules.snapshots import Sighting, Snapshot, compare, repeated
from services.routing.rules.succession import suggest, unsettled

HEADER = "code,name_ja,parent,valid_from,valid_until,successors\n"
BEFORE, AFTER, LATER = date(2023, 3, 31), date(2023, 4, 1), date(2025, 4, 1)


def read(*rows: str) -> Organisation:
    return read_organisation((HEADER + "\n".join(rows)).encode(), "organisation.csv")


def test_a_unit_exists_from_its_first_day_to_its_last() -> None:
    found = read("a,課,,2020-04-01,2023-03-31,")

    days = [date(2020, 3, 31), date(2020, 4, 1), BEFORE, AFTER]
    assert [found.exists("a", day) for day in days] == [False, True, True, False]
    assert not found.exists("b", BEFORE)


def test_days_that_are_not_known_are_no_bounds() -> None:
    found = read("a,課,,,,")

    assert found.exists("a", date.min)
    assert found.exists("a", date.max)


def test_a_path_names_what_was_above_on_that_day() -> None:
    found = read("b,部,,,,", "c,新部,,2023-04-01,,", "k,課,b,,2023-03-31,k", "k,課,c,2023-04-01,,")

    assert [unit.name for unit in found.path("k", BEFORE)] == ["部", "課"]
    assert [unit.name for unit in found.path("k", AFTER)] == ["新部", "課"]
    assert found.path("x", AFTER) == ()


def test_a_unit_that_still_exists_is_its_own_successor() -> None:
    found = read("a,課,,,,").successor("a", LATER, since=BEFORE)

    assert found.unit is not None
    assert (found.unit.code, found.cause, found.reason("ja")) == ("a", None, "課が引き続き担当しております。")


def test_renames_and_merges_are_followed_along_the_chain() -> None:
    found = read(
        "a,甲,,,2023-03-31,b",
        "b,乙,,2023-04-01,2024-03-31,c",
        "c,丙,,2024-04-01,,",
    ).successor("a", LATER, since=BEFORE)

    assert found.unit is not None
    assert [step.code for step in found.steps] == ["a", "b", "c"]
    assert (found.unit.code, found.cause) == ("c", None)
    assert found.reason("ja") == "甲は2023-03-31までの組織で、丙が引き継いでおります。"
    assert found.reason("en") == "甲 ended on 2023-03-31; 丙 has taken over."


def test_a_chain_is_followed_only_as_far_as_the_day() -> None:
    found = read("a,甲,,,2023-03-31,b", "b,乙,,2023-04-01,2024-03-31,c", "c,丙,,2024-04-01,,")

    assert [step.code for step in found.successor("a", AFTER, since=BEFORE).steps] == ["a", "b"]


def test_a_unit_that_went_to_several_is_left_to_a_person() -> None:
    found = read("a,甲,,,2023-03-31,b c", "b,乙,,,,", "c,丙,,,,").successor("a", LATER, since=BEFORE)

    assert (found.unit, found.cause, [unit.code for unit in found.candidates]) == (None, "split", ["b", "c"])
    assert "乙、丙" in found.reason("ja")


def test_parts_that_all_came_to_one_unit_again_have_one_successor() -> None:
    found = read("a,甲,,,2023-03-31,b c", "b,乙,,,2024-03-31,d", "c,丙,,,2024-03-31,d", "d,丁,,,,")

    successor = found.successor("a", LATER, since=BEFORE).unit

    assert successor is not None
    assert successor.code == "d"


def test_parts_of_which_one_came_to_nobody_are_left_to_a_person() -> None:
    found = read("a,甲,,,2023-03-31,b c", "b,乙,,,,", "c,丙,,,2024-03-31,")

    assert found.successor("a", LATER, since=BEFORE).cause == "split"


@pytest.mark.parametrize(
    "code,cause,words",
    [("a", "ended", "甲は2023-03-31で終わりました"), ("x", "unknown", "xという組織は")],
)
def test_where_nobody_is_named_nobody_is_guessed(code: str, cause: str, words: str) -> None:
    found = read("a,甲,,,2023-03-31,", "b,乙,,,,").successor(code, LATER, since=BEFORE)

    assert (found.unit, found.cause) == (None, cause)
    assert words in found.reason("ja")


@pytest.mark.parametrize("code", ["a", "b", "s", "m", "x"])
@pytest.mark.parametrize("language", ["ja", "easy", "en"])
def test_every_reason_can_be_said_in_every_language(code: str, language: Language) -> None:
    found = read("a,甲,,,2023-03-31,", "b,乙,,,,", "s,丙,,,2023-03-31,b m", "m,丁,,,,")

    assert "{" not in found.successor(code, LATER, since=BEFORE).reason(language)


def test_a_code_that_was_given_to_another_unit_is_not_its_own_successor() -> None:
    found = read("a,移住促進室,,,2023-03-31,", "a,東京事務所,,2023-04-01,,")

    assert found.successor("a", LATER, since=BEFORE).cause == "ended"
    assert found.successor("a", LATER, since=AFTER).cause is None


def test_a_unit_goes_on_under_its_code_when_it_says_so() -> None:
    found = read("a,旧名,,,2023-03-31,a", "a,新名,,2023-04-01,,").successor("a", LATER, since=BEFORE)

    assert found.unit is not None
    assert found.unit.name == "新名"


def test_nobody_succeeds_backwards_in_time() -> None:
    with pytest.raises(ValueError, match="expected a day from 2023-04-01 on, found 2023-03-31"):
        read("a,甲,,,,").successor("a", BEFORE, since=AFTER)


@pytest.mark.parametrize(
    "rows,words",
    [
        (["a,甲,,,2023-03-31,", "a,乙,,2023-03-31,,"], "row 3, column 4 (valid_from): expected a day after the other validity of a (..2023-03-31), found 2023-03-31"),
        (["a,甲,,,,", "a,甲,,,,"], "row 3, column 4 (valid_from): expected a day after the other validity of a (..), found nothing"),
        (["a,甲,,2023-04-01,2023-03-31,"], "row 2, column 5 (valid_until): expected a day from 2023-04-01 on, found 2023-03-31"),
        (["a,甲,x,,,"], "row 2, column 3 (parent): expected the code of a unit, found x"),
        (["a,甲,,,2023-03-31,x"], "row 2, column 6 (successors): expected the code of a unit, found x"),
        (["a,甲,b,,,", "b,乙,a,,,"], "row 2, column 3 (parent): expected no unit below itself, found a < b < a on 0001-01-01"),
        (["a,甲,a,,,"], "row 2, column 3 (parent): expected no unit below itself, found a < a on 0001-01-01"),
        (["a,甲,,,2023-03-31,b", "b,乙,,2023-04-02,,"], "row 2, column 6 (successors): expected a unit that is valid on 2023-04-01, found b (2023-04-02..)"),
        (["a,甲,,,2023-03-31,b", "b,乙,,,2023-03-31,a"], "row 2, column 6 (successors): expected a unit that is valid on 2023-04-01, found b (..2023-03-31)"),
        (["a,甲,,,,b", "b,乙,,,,"], "row 2, column 6 (successors): expected a last day (valid_until) where there are successors, found none for a"),
        (["a,甲,b,,,", "b,乙,,,2023-03-31,"], "row 2, column 3 (parent): expected a parent as long as a is valid, found no b on 2023-04-01"),
        (["a,甲,b,2020-04-01,,", "b,乙,,2021-04-01,,"], "row 2, column 3 (parent): expected a parent as long as a is valid, found no b on 2020-04-01"),
        (["a,甲,b,,,", "b,乙,,,2022-03-31,", "b,乙,,2022-04-02,,"], "row 2, column 3 (parent): expected a parent as long as a is valid, found no b on 2022-04-01"),
        (["a,甲,,April,,"], "row 2, column 4 (valid_from): expected a day such as 2026-04-01, or nothing, found 'April'"),
        (["a,,,,,"], "row 2, column 2 (name_ja): expected a text, found nothing"),
        (["a,甲"], "row 2: expected 6 cells, found 2"),
    ],
)  # fmt: skip
def test_an_error_names_file_row_and_column(rows: list[str], words: str) -> None:
    with pytest.raises(InvalidOrganisation) as raised:
        read(*rows)

    assert f"organisation.csv, {words}" in str(raised.value).splitlines()


@pytest.mark.parametrize(
    "content,words",
    [
        (b"code,name\na,b\n", "f, row 1: expected the columns code, name_ja, found no name_ja"),
        (b"code,name_ja,Code\na,b,c\n", "f, row 1: expected each column once, found 'code' again"),
        ("code,name_ja\na,課\n".encode("cp932"), "f, line 2: expected UTF-8"),
        (b'code,name_ja\na,"b\n', "f, line 2: expected CSV, found: unexpected end of data"),
        (b"PK\x03\x04", "f: expected an Excel workbook (.xlsx), found: File is not a zip file"),
        (gzip.compress(b"code,name_ja\n" * 9, mtime=0)[:20], "f: expected a whole gzip file"),
        (b"", "f, row 1: expected the columns code, name_ja, found no code, name_ja"),
    ],
)
def test_what_is_no_sheet_of_units_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(InvalidOrganisation) as raised:
        read_organisation(content, "f")

    assert str(raised.value).startswith(words)


def test_twenty_faults_are_listed_and_the_others_counted() -> None:
    with pytest.raises(InvalidOrganisation, match="and 5 more") as raised:
        read(*(f"a{number},甲,x,,," for number in range(25)))

    assert len(str(raised.value).splitlines()) == 21


def test_two_units_may_change_places_over_the_years() -> None:
    read("a,甲,b,,2023-03-31,a", "a,甲,,2023-04-01,,", "b,乙,,,2023-03-31,b", "b,乙,a,2023-04-01,,")


DAYS = st.none() | st.dates(date(2020, 1, 1), date(2020, 1, 9))
CODES = st.sampled_from("abcd")
UNITS = st.builds(
    Unit,
    CODES,
    st.just({"ja": "課", "en": "unit"}),
    st.none() | CODES,
    DAYS,
    DAYS,
    st.lists(CODES, max_size=2, unique=True).map(tuple),
    source=st.sampled_from(["", "a, b", "unverified"]),
)


@given(st.lists(UNITS, min_size=1, max_size=6).map(tuple))
def test_an_organisation_that_is_accepted_is_whole_on_every_day(units: tuple[Unit, ...]) -> None:
    try:
        found = organise(units, lambda at, column: f"{at} {column}")
    except InvalidOrganisation:
        return
    assert read_organisation(write_organisation(units).encode(), "f").units == units
    for day in (date(2020, 1, 1) + timedelta(days=number) for number in range(9)):
        for unit in found.units_on(day):
            assert [other for other in found.units_on(day) if other.code == unit.code] == [unit]
            assert unit.valid_from is None or unit.parent is None or found.exists(unit.parent, day)
            succession = found.successor(unit.code, date(2020, 1, 10), since=day)
            assert all(step.is_valid(date(2020, 1, 10)) or step.valid_until for step in succession.steps)
            assert (succession.unit is None) == (succession.cause is not None)


def seen(code: str, name: str, parent: str | None = None, *, row: int = 2, kind: str = "課") -> Sighting:
    return Sighting(row, code, name, parent, kind)


OLD = Snapshot(
    "2021",
    BEFORE,
    (
        seen("1", "環境部", kind="部"),
        seen("11", "公園緑地課", "1"),
        seen("12", "ごみ減量課", "1"),
        seen("13", "衛生課", "1"),
    ),
)
NEW = Snapshot(
    "2024",
    LATER,
    (
        seen("1", "環境部", kind="部"),
        seen("2", "建設部", kind="部"),
        seen("12", "資源循環課", "1"),
        seen("13", "衛生課", "2"),
        seen("21", "公園緑地課", "2"),
    ),
)


def test_snapshots_make_one_organisation_that_says_what_was_seen() -> None:
    found = unite([NEW, OLD])

    park = found.unit("11", BEFORE)
    assert park is not None
    assert (park.valid_from, park.valid_until) == (BEFORE, LATER - timedelta(days=1))
    assert park.source == "first seen 2023-03-31, last seen 2023-03-31; gone by 2025-04-01; 2021 row 2"
    assert len(found.units_on(BEFORE)) == len(OLD.sightings)
    assert len(found.units_on(LATER)) == len(NEW.sightings)


def test_a_unit_that_moves_under_its_name_goes_on_and_one_that_is_renamed_waits_for_a_person() -> None:
    found = unite([OLD, NEW])

    assert found.successor("13", LATER, since=BEFORE).cause is None
    assert found.successor("12", LATER, since=BEFORE).cause == "ended"
    assert [unit.code for unit in unsettled(found)] == ["11", "12"]


def test_a_name_written_in_another_width_is_the_same_name() -> None:
    found = unite(
        [Snapshot("a", BEFORE, (seen("1", "ＩＣＴ 推進室"),)), Snapshot("b", LATER, (seen("1", "ICT推進室"),))]
    )

    assert len(found.units) == 1


def test_what_changed_is_told_by_code() -> None:
    changes = compare(unite([OLD, NEW]), BEFORE, LATER)

    assert [(change.what, change.code) for change in changes] == [
        ("removed", "11"),
        ("renamed", "12"),
        ("moved", "13"),
        ("added", "2"),
        ("added", "21"),
    ]


def test_a_unit_that_returns_after_a_snapshot_without_it_has_two_validities() -> None:
    gap = Snapshot("gap", date(2024, 4, 1), (seen("2", "乙"),))

    found = unite([Snapshot("a", BEFORE, (seen("1", "甲"),)), gap, Snapshot("c", LATER, (seen("1", "甲"),))])

    assert [unit.valid_from for unit in found.units if unit.code == "1"] == [BEFORE, LATER]
    assert found.successor("1", LATER, since=BEFORE).cause == "ended"


def test_rows_that_repeat_a_unit_are_one_and_are_told() -> None:
    twice = Snapshot("a", BEFORE, (seen("1", "甲", row=2), seen("1", "甲", row=5)))

    assert repeated(twice) == {"1": (2, 5)}
    assert unite([twice]).units[0].source.endswith("a row 2 and 5")


def test_rows_of_one_code_that_differ_are_refused() -> None:
    with pytest.raises(InvalidOrganisation, match=r"^a, row 5, column code: expected 1 to be what it is in row 2"):
        unite([Snapshot("a", BEFORE, (seen("1", "甲", row=2), seen("1", "乙", row=5)))])


def test_two_snapshots_of_one_day_are_refused() -> None:
    with pytest.raises(InvalidOrganisation, match="b: expected a day of its own, found 2023-03-31 as in a"):
        unite([Snapshot("a", BEFORE, (seen("1", "甲"),)), Snapshot("b", BEFORE, (seen("1", "甲"),))])


def test_a_likely_successor_is_suggested_with_its_reasons_and_not_applied() -> None:
    found = unite([OLD, NEW])

    best, *_ = suggest(found, unsettled(found)[0])

    assert (best.successor.code, best.score) == ("21", 0.85)
    assert best.reason_ja == "名称が同じ、翌日に新設または改称、種別が同じ"
    assert best.reason_en == "same name, new or renamed the day after, same kind"
    assert found.successor("11", LATER, since=BEFORE).unit is None


def test_only_what_a_person_has_confirmed_becomes_a_successor() -> None:
    written = write_suggestions(unite([OLD, NEW]))
    assert "11,公園緑地課,2025-03-31,21,公園緑地課,0.85," in written
    assert read_confirmations(written.encode(), "s.csv") == ()

    confirmed = "\n".join(line + "yes" if line.startswith("11,") else line for line in written.splitlines())
    found = unite([OLD, NEW], read_confirmations(confirmed.encode(), "s.csv"))

    park = found.successor("11", LATER, since=BEFORE).unit
    assert park is not None
    assert park.code == "21"
    assert found.successor("12", LATER, since=BEFORE).unit is None


@pytest.mark.parametrize("said,count", [("yes", 1), ("YES", 1), ("はい", 1), ("no", 0), ("いいえ", 0), ("", 0)])
def test_a_person_says_yes_or_no(said: str, count: int) -> None:
    content = f"code,last_day,successor,confirmed\n11,2025-03-31,21,{said}\n"

    assert len(read_confirmations(content.encode(), "s.csv")) == count


@pytest.mark.parametrize(
    "row,words",
    [
        ("11,2025-03-31,21,perhaps", "s.csv, row 2, column 4 (confirmed): expected yes, no or nothing, found 'perhaps'"),
        ("11,2025-03-30,21,yes", "s.csv, row 2, column 3 (successor): expected a unit that ended, found no 11 until 2025-03-30"),
        ("11,2025-03-31,99,yes", "s.csv, row 2, column 3 (successor): expected a unit that is valid on 2025-04-01, found 99"),
        ("11,2025-03-31,,はい", "s.csv, row 2, column 3 (successor): expected a text, found nothing"),
        ("11,soon,21,yes", "s.csv, row 2, column 2 (last_day): expected a day such as 2026-04-01, found 'soon'"),
    ],
)  # fmt: skip
def test_a_confirmation_that_cannot_be_is_refused_with_its_place(row: str, words: str) -> None:
    with pytest.raises(InvalidOrganisation) as raised:
        unite([OLD, NEW], read_confirmations(f"code,last_day,successor,confirmed\n{row}\n".encode(), "s.csv"))

    assert str(raised.value) == words


LEVELS = "affiliationCode,bureau,department,division,office,unit,applicableDate\n"


def snapshot(*rows: str, day: date | None = None) -> Snapshot:
    return read_snapshot((LEVELS + "\n".join(rows)).encode(), "f", day=day)


def test_a_row_belongs_to_the_row_whose_names_lead_to_it_and_whose_code_is_likest() -> None:
    found = snapshot(
        "2520,健康局,福祉事務所,,,,2021-04-01",
        "2000,健康局,,,,,2021-04-01",
        "2526,健康局,福祉事務所,,,,2021-04-01",
        "2526.1,健康局,福祉事務所,長寿課,,,2021-04-01",
    )

    assert [(each.name, each.parent) for each in found.sightings][2:] == [("福祉事務所", "2000"), ("長寿課", "2526")]


@pytest.mark.parametrize(
    "rows,day,words",
    [
        (["1,局,,,,,2021-04-01", "2,庁,,,,,2022-04-01"], None, "f, row 3, column 7 (applicableDate): expected the day 2021-04-01, found '2022-04-01'"),
        (["1,局,,,,,2021-04-01"], LATER, "f, row 2, column 7 (applicableDate): expected the day 2025-04-01, found '2021-04-01'"),
        (["1,局,,,,,"], None, "f, row 2, column 7 (applicableDate): expected the day of the organisation (or say it with --at), found nothing"),
        (["1,局,,課,,,2021-04-01"], None, "f, row 2, column 1 (affiliationCode): expected a row for 局, to which 課 belongs, found '1'"),
        (["1,,,,,,2021-04-01"], None, "f, row 2, column 6 (unit): expected a name in one of bureau, department, division, office, unit, found nothing"),
        (["1,局,,,,,2021-04-01", "2,局,,,,,2021-04-01", "3,局,,課,,,2021-04-01"], None, "f, row 4, column 1 (affiliationCode): expected a code that tells to which of 1, 2 課 belongs, found '3'"),
        ([], None, "f: expected units below the header, found none"),
    ],
)  # fmt: skip
def test_a_snapshot_that_does_not_say_what_it_must_is_refused(rows: list[str], day: date | None, words: str) -> None:
    with pytest.raises(InvalidOrganisation) as raised:
        snapshot(*rows, day=day)

    assert str(raised.value) == words


FIRST = LEVELS + "1,環境部,,,,,\n11,環境部,公園緑地課,,,,\n"
SECOND = LEVELS + "1,環境部,,,,,2024-04-01\n12,環境部,公園緑地課,,,,2024-04-01\n"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "1.csv").write_text(FIRST, encoding="utf-8")
    (tmp_path / "2.csv.gz").write_bytes(gzip.compress(SECOND.encode()))
    return [str(tmp_path / "1.csv"), str(tmp_path / "2.csv.gz")]


AT = ["--at", "2021-04-01", "--at", "2024-04-01"]


def test_the_command_imports_suggests_and_takes_what_was_confirmed(files: list[str], tmp_path: Path) -> None:
    suggestions, out = tmp_path / "s.csv", tmp_path / "organisation.csv"

    answer = CliRunner().invoke(command, ["import", *files, *AT, "--suggestions", str(suggestions)])
    assert answer.exit_code == 0, answer.output
    assert "1 units ended and name nobody" in answer.output
    text = suggestions.read_text("utf-8-sig")
    suggestions.write_text(text.rstrip("\n") + "yes\n", encoding="utf-8")
    answer = CliRunner().invoke(command, ["import", *files, *AT, "--confirmed", str(suggestions), "--out", str(out)])

    assert answer.exit_code == 0, answer.output
    found = read_organisation(out.read_bytes(), "organisation.csv")
    assert [unit.successors for unit in found.units if unit.code == "11"] == [("12",)]


def test_the_command_shows_what_changed(files: list[str]) -> None:
    answer = CliRunner().invoke(command, ["diff", *files, *AT])

    assert "2021-04-01 to 2024-04-01: 2 changes" in answer.output
    assert "removed" in answer.output
    assert "added" in answer.output


def test_a_file_that_cannot_be_used_is_one_sentence(files: list[str]) -> None:
    answer = CliRunner().invoke(command, ["import", files[0]])

    assert answer.exit_code == 1
    assert answer.output == (
        "Error: 1.csv, row 2, column 7 (applicableDate): expected the day of the organisation (or say it with --at), found nothing\n"
    )


@pytest.mark.parametrize(
    "arguments,words", [(["import", "--at", "2021-04-01"], "2 files, 1 days"), (["diff"], "Two files")]
)
def test_the_command_says_how_it_is_used(files: list[str], arguments: list[str], words: str) -> None:
    given = files if arguments[0] == "import" else files[:1]

    answer = CliRunner().invoke(command, [arguments[0], *given, *arguments[1:]])

    assert (answer.exit_code, words in answer.output) == (2, True)
