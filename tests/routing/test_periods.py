"""Periods as people write them: understood, or refused for what they are."""

import csv
import gzip
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.rules.clock import Period, Unit
from services.routing.rules.periods import NotAPeriod, parse_period
from tests.conftest import shared_data


@pytest.mark.parametrize(
    "text,count,unit",
    [
        ("30日", 30, "days"),
        ("１５日", 15, "days"),
        ("90 日", 90, "days"),
        ("14日間", 14, "days"),
        ("7日以内", 7, "days"),
        ("二十一日", 21, "days"),
        ("十日", 10, "days"),
        ("三十日以内", 30, "days"),
        ("2週", 2, "weeks"),
        ("２週間", 2, "weeks"),
        ("二週間", 2, "weeks"),
        ("1月", 1, "months"),
        ("三月以内", 3, "months"),
        ("一か月", 1, "months"),
        ("1ヶ月", 1, "months"),
        ("2カ月", 2, "months"),
        ("2ヵ月", 2, "months"),
        ("３箇月", 3, "months"),
        ("3か月間", 3, "months"),
        ("最長4ヶ月", 4, "months"),
        ("1年", 1, "years"),
        ("2年間", 2, "years"),
        ("７営業日以内", 7, "business-days"),
        ("10開庁日", 10, "business-days"),
        ("15日（閉庁日を除く）", 15, "business-days"),
        ("15日以内（市の休日を除く。）", 15, "business-days"),
        ("5営業日(休日を除く)", 5, "business-days"),
    ],
)
def test_a_period_is_understood_as_it_is_written(text: str, count: int, unit: Unit) -> None:
    assert parse_period(text) == Period(count, unit)


@pytest.mark.parametrize(
    "text,said",
    [
        ("1日～1月", "a range"),
        ("～1週", "a range"),
        ("2-6月", "a range"),
        ("１－２年", "a range"),
        ("通知のあった日の翌日から起算して35日以内", "a start of its own"),
        ("公告から2週間以内", "a start of its own"),
        ("8日程度", "an approximate length"),
        ("約1月（実地調査が必要な場合は約40日）", "an approximate length"),
        ("数か月", "an approximate length"),
        ("1.75月", "a fraction"),
        ("１月半", "a fraction"),
        ("30", "a number without a unit"),
        ("十", "a number without a unit"),
        ("１時間", "another text"),
        ("即時", "another text"),
        ("変更の程度による", "another text"),
        ("2月以上", "another text"),
        ("2週間、１日", "another text"),
        ("7日（都道府県によって異なる）", "another text"),
        ("-", "another text"),
        ("", "another text"),
        ("0日", "a period of 1 to 3660 days, found 0"),
        ("9999日", "a period of 1 to 3660 days, found 9999"),
        ("二三日", "a number up to 九十九"),
        ("二十三十日", "a number up to 九十九"),
        ("1か月（閉庁日を除く）", "expected days where closed days are left out, found months"),
    ],
)
def test_what_says_no_one_length_is_refused_for_what_it_is(text: str, said: str) -> None:
    with pytest.raises(NotAPeriod) as raised:
        parse_period(text)

    assert said in str(raised.value)
    assert repr(text) in str(raised.value)


DIGITS = "〇一二三四五六七八九"


def in_kanji(number: int) -> str:
    tens, ones = divmod(number, 10)
    return (DIGITS[tens] if tens > 1 else "") + ("十" if tens else "") + (DIGITS[ones] if ones else "")


@given(st.integers(1, 99))
def test_chinese_numerals_mean_the_number(number: int) -> None:
    assert parse_period(f"{in_kanji(number)}日") == parse_period(f"{number}日") == Period(number, "days")


def test_of_the_ways_that_ministries_write_periods_the_plain_ones_are_understood_and_all_others_refused() -> None:
    path = shared_data("jp/processing_period_strings_A.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        written = {row["string"]: int(row["count"]) for row in csv.DictReader(file)}
    understood = {text: times for text, times in written.items() if is_period(text)}

    assert (len(understood), len(written)) == (90, 287)
    assert (sum(understood.values()), sum(written.values())) == (14638, 19203)
    assert [text for text in understood if re.search(r"[~〜～約数半.・、]|程度|以上|から", text)] == []


def is_period(text: str) -> bool:
    try:
        parse_period(text)
    except NotAPeriod:
        return False
    return True
