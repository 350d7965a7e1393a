import csv
import gzip
import io
import random
from collections.abc import Iterator
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import individual_numbers
from tests.conftest import shared_data

PLANTED = 10_000
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
KANJI = str.maketrans("0123456789", "〇一二三四五六七八九")
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")
DAIJI = str.maketrans("0123456789", "零壱弐参肆伍陸漆捌玖")
SCRIPTS = ({}, WIDE, KANJI, CIRCLED, DAIJI)
GAPS = ("", "-", " ", "－", "　", "ー", " - ", "‐", "_", "・", "\n", "\u202f", "\u2007", "\u200e", "    ", " " * 8)
GROUPINGS = ((4, 4, 4), (12,), (3, 3, 3, 3), (6, 6), (1,) * 12, (4, 8), (2,) * 6)
PLACES = (
    "{}",
    "私の番号は{}です。",
    "マイナンバー：{}、よろしくお願いします。",
    "電話 0154-31-4204 {}",
    "{} 090-1234-5678",
    "No.{}",
    "通知カード_{}.pdf",
    "生年月日2001-02-03、番号{}",
    "（{}）",
)


def check_digit(digits: str) -> str:
    """As the ordinance says it (総務省令 平成26年85号 5条), written independently of the code."""
    remainder = 0
    for n in range(1, 12):
        remainder += int(digits[11 - n]) * (n + 1 if n <= 6 else n - 5)
    remainder %= 11
    return "0" if remainder <= 1 else str(11 - remainder)


def individual_number(seed: random.Random) -> str:
    digits = "".join(str(seed.randrange(10)) for _ in range(11))
    return digits + check_digit(digits)


def written(number: str, seed: random.Random) -> str:
    """As people write it: grouped, with a gap, in some script."""
    grouping, gap = seed.choice(GROUPINGS), seed.choice(GAPS)
    digits = iter(number)
    return gap.join("".join(next(digits) for _ in range(size)) for size in grouping).translate(seed.choice(SCRIPTS))


def test_every_individual_number_is_found_however_and_wherever_it_is_written() -> None:
    seed = random.Random(20261124)

    for _ in range(PLANTED):
        number, place = written(individual_number(seed), seed), seed.choice(PLACES)
        before = place.index("{}")
        assert individual_numbers.find(place.format(number)) == [(before, before + len(number))], place.format(number)


STOPS = (".", ",", "/", "，", "、", "．", "／", ", ")
AROUND = ("{}", "個人番号：{}。", "No{}", "MyNumber{}x", "card{}.pdf", "+{}", "電話0154-31-4204 {}")


def test_every_number_in_fours_is_found_with_stops_between_glued_to_letters_and_behind_a_plus() -> None:
    seed = random.Random(20261126)

    for _ in range(PLANTED):
        number, place, gap = foreign_number(seed), seed.choice(AROUND), seed.choice(STOPS + GAPS)
        text = gap.join((number[:4], number[4:8], number[8:])).translate(seed.choice(SCRIPTS))
        before = place.index("{}")
        assert individual_numbers.find(place.format(text)) == [(before, before + len(text))], place.format(text)


def foreign_number(seed: random.Random) -> str:
    """One that behind a plus is no telephone number of Japan."""
    return next(number for number in iter(lambda: individual_number(seed), "") if not number.startswith("81"))


@pytest.mark.parametrize("stop", STOPS)
def test_a_number_between_stops_is_masked_whole_and_beside_others(stop: str) -> None:
    first, second = ("1234", "5678", "9018"), ("2109", "8765", "4320")

    assert individual_numbers.mask(f"父{stop.join(first)} 母{stop.join(second)}") == "父●●●●●●●●●●●● 母●●●●●●●●●●●●"


def test_a_masked_text_holds_no_digit_of_the_number_and_all_of_the_rest() -> None:
    seed = random.Random(7)
    number = individual_number(seed)

    masked = individual_numbers.mask(f"番号は{number[:4]}-{number[4:8]}-{number[8:]}、電話は0154-31-4204です。")

    assert masked == "番号は●●●●●●●●●●●●、電話は0154-31-4204です。"


def test_two_numbers_in_one_text_are_both_found() -> None:
    seed = random.Random(8)
    first, second = individual_number(seed), individual_number(seed)

    assert individual_numbers.mask(f"父 {first}、母 {second}") == "父 ●●●●●●●●●●●●、母 ●●●●●●●●●●●●"


@given(st.integers(0, 10**11 - 1), st.integers(0, 9))
def test_a_number_with_another_check_digit_is_none(number: int, last: int) -> None:
    digits = f"{number:011d}"
    found = individual_numbers.find(f"{digits}{last}")

    assert bool(found) == (str(last) == check_digit(digits))


@pytest.mark.parametrize(
    "text",
    [
        "0154-31-4204",
        "+81-90-1234-5678 +81 90 1234 5678",
        "+819012345678 ＋８１９０１２３４５６７８",
        "+82-10-1234-5678",
        "192.168.100.123",
        "1234.5678.9018.1",
        "2026/11/24 0930",
        "1234,5678.9018",
        "085-8505 北海道釧路市黒金町7丁目5番地",
        "令和8年11月24日 10時30分",
        "42.984854123456",
        "1234567890123",
        "2026-11-24 0930",
    ],
)
def test_telephone_numbers_addresses_days_and_decimals_are_none(text: str) -> None:
    assert individual_numbers.find(text) == []


@pytest.mark.parametrize("text", ["+81{}-{}-{}", "123,{},{},{}", "{}/{}-{}/1", "{}.{},{}", "{}.{}.{}.{}"], ids=repr)
def test_what_is_telephone_number_amount_or_version_is_none_whatever_its_check_digit(text: str) -> None:
    seed = random.Random(10)
    written = [text.format(*(f"{seed.randrange(10_000):04d}" for _ in range(4))) for _ in range(2_000)]

    assert [one for one in written if individual_numbers.find(one)] == []


@pytest.mark.parametrize("last", range(10))
def test_the_end_of_one_telephone_number_and_the_beginning_of_the_next_are_no_number(last: int) -> None:
    assert individual_numbers.find(f"0154-31-4204 0154-2{last}-5151") == []


def test_no_uuid_is_taken_for_a_number() -> None:
    seed = random.Random(9)
    uuids = [str(UUID(int=seed.getrandbits(128), version=4)) for _ in range(PLANTED)]

    assert [uuid for uuid in uuids if individual_numbers.find(f"{uuid}@example.jp")] == []


FREE_TEXT = {
    "requests/boston_2011H2_A.csv.gz": ("case_title", "closure_reason", "location", "location_street_name", "subject"),
    "requests/boston_2013-2017_animal_pest_A.csv.gz": ("case_title", "closure_reason", "location"),
    "requests/baltimore_2014-2018_A.csv.gz": ("Address", "Outcome", "SRType"),
    "requests/nyc_2018-10-21_fullday.csv.gz": ("Incident Address", "Street Name", "Resolution Description"),
    "jp/address_normalize_A.csv.gz": (),
    "jp/localgovjp-utf8.csv": (),
    "jp/procedures_survey_2025_A.csv.gz": (),
    "jp/opendata_questionnaire_2024.csv.gz": (),
    "text/jp_last_name_org_A.csv.gz": (),
    "text/jp_first_name_man_org_A.csv.gz": (),
    "text/jp_first_name_woman_org_A.csv.gz": (),
}
"""Columns that hold addresses, names, telephone numbers and free text; all where none are named."""


def values(name: str, columns: tuple[str, ...]) -> Iterator[str]:
    path = shared_data(name)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace")))
    for row in rows:
        yield from filter(None, (str(row.get(column) or "") for column in columns or row))


def test_hardly_ever_is_real_text_taken_for_a_number() -> None:
    taken = total = 0
    for name, columns in FREE_TEXT.items():
        for value in values(name, columns):
            total += 1
            taken += bool(individual_numbers.find(value))

    assert total > 500_000
    assert taken / total < 0.001
