import csv
import gzip
import io
import random
import re
from collections.abc import Iterator, Sequence
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
MATHEMATICAL = str.maketrans("0123456789", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗")
DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
SCRIPTS = ({}, WIDE, KANJI, CIRCLED, DAIJI, MATHEMATICAL, DEVANAGARI)
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
        "085-8505 北海道釧路市黒金町7丁目5番地",
        "令和8年11月24日 10時30分",
        "42.984854123456",
        "1234567890123",
        "2026-11-24 0930",
    ],
)
def test_telephone_numbers_addresses_days_and_decimals_are_none(text: str) -> None:
    assert individual_numbers.find(text) == []


OTHERS = {
    "telephone number of Japan": "+81-{p}0-{4}-{4} +81 {p}0{8} ＋81{p}0{8} +81{4}-{4}-{4}",
    "telephone number abroad": "+82-10-{4}-{4} +44 20 {4} {4} +886-{9} +91 {5} {5}",
    "amount": "{3},{3},{3},{3} 123,{4},{4},{4}",
    "address of a computer": "1{m}{m}.1{m}{m}.1{m}{m}.1{m}{m} 2{m}{m}.25{m}.1{m}{m}.2{m}{m}",
    "degrees": "{2}.{9}1 1{2}.{9} 42.{4}2,144.{3} 42.98,14{1}.{6}",
    "hundredths": "{9}1.{2} {9}.01",
    "day and time": "20{2}/1{o}/1{m}:0930 20{2}.0{n}.2{m} 09:30 20{2}/1{o}/1{m},0930 1{m}/0{n}/20{2} 09:30 9:30 20{2}/{n}/{n} 01:5{m}",
    "time": "1{m}:{m}{m}:3{m}.{6} 23:59:59,{6}",
    "what goes on": "{4}/{4}-{4}/1 {4}.{4}.{4}.{4} {2}.{4}.{6}.1 1:{2}:{4}:{6} {2}:{4}:{6}:{2}",
}
"""Each part is one value; what stands between braces is random: so many digits, or one of a kind."""
KINDS = {"p": "56789", "m": "012345", "o": "012", "n": "123456789"}


def other(part: str, seed: random.Random) -> str:
    def filled(match: re.Match[str]) -> str:
        kind = match[1]
        return seed.choice(KINDS[kind]) if kind in KINDS else f"{seed.randrange(10 ** int(kind)):0{kind}d}"

    return re.sub(r"\{(\w)\}", filled, part)


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_what_is_known_as_something_else_is_none_whatever_its_check_digit(text: str) -> None:
    seed = random.Random(10)
    written = [other(part, seed) for part in re.split(r" (?=[^ ]*[{])", text) for _ in range(1_000)]

    assert [one for one in written if individual_numbers.find(one)] == []


SIGNS = ".．,，、。/／:：;；|｜~〜*＊#＃=＝&＆'\"!?%@^…※→"
UNEVEN = ((4, 4, 4), (6, 6), (1,) * 12, (4, 8), (2,) * 6, (2, 4, 6), (5, 7), (3, 4, 5), (7, 1, 4))
"""Groupings by which nothing else is written."""


def test_every_number_is_found_with_any_one_sign_between_any_of_its_digits() -> None:
    seed = random.Random(20261127)

    for _ in range(PLANTED):
        number, place = individual_number(seed), seed.choice(PLACES)
        text, before = separated(number, seed, [seed.choice(SIGNS)]), place.index("{}")
        assert individual_numbers.find(place.format(text)) == [(before, before + len(text))], place.format(text)


def test_every_number_is_found_with_another_sign_or_hyphen_in_each_gap() -> None:
    seed = random.Random(20261128)
    signs = [*SIGNS, "-", "ー", " ", "　", "\u200b", ", ", " / "]

    for _ in range(PLANTED):
        number, place = individual_number(seed), seed.choice(("{}", "番号は{}です。", "個人番号：{}、以上", "（{}）"))
        text, before = separated(number, seed, signs), place.index("{}")
        assert individual_numbers.find(place.format(text)) == [(before, before + len(text))], place.format(text)


def separated(number: str, seed: random.Random, signs: Sequence[str]) -> str:
    """Grouped, with one of `signs` in each gap, in some script."""
    digits = iter(number)
    first, *rest = ("".join(next(digits) for _ in range(size)) for size in seed.choice(UNEVEN))
    return "".join((first, *(seed.choice(signs) + group for group in rest))).translate(seed.choice(SCRIPTS))


@pytest.mark.parametrize("code", ["81{}", "1{}", "7-{}", "1 {}", "12-{}", "83-{}", "28 {}", "289-{}"])
def test_behind_a_plus_a_number_is_found_that_can_be_no_telephone_number(code: str) -> None:
    """Of Japan's twelve digits a telephone number has a zero as its second digit behind +81; those of 1 and 7 have eleven."""
    seed = random.Random(20261129)
    begins = re.sub(r"\D", "", code)
    numbers = [number for number in (individual_number(seed) for _ in range(60_000)) if number.startswith(begins)]
    numbers = [number for number in numbers if begins != "81" or number[3] != "0"]

    missed = [one for one in numbers if not individual_numbers.find("+" + code.format(one[len(begins) :]))]

    assert len(numbers) > 30
    assert missed == []


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
    assert taken / total < 0.0002  # a fifth of what is allowed; 42 of 1,191,929, nearly all Boston's own twelve digits
