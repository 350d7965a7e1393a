"""Periods as people write them: 30日, 二週間, 3か月以内, 10営業日, 15日（閉庁日を除く）. What says no one length is refused, never guessed.

A bare 月 is months, as in statutes (三月以内). 以内 and 最長 name the last day, as a deadline does. Days without closed days are
business days; weeks and months without closed days have no length (民法143条 counts them by the calendar).
"""

import re
import unicodedata

from services.routing.rules.clock import Period, Unit

_DIGITS = "〇一二三四五六七八九"
_NUMBER = rf"\d+|[{_DIGITS}十]+"
_MONTH = "(?:[かカヵケヶ箇個]?月)間?"
_WITHOUT_CLOSED_DAYS = r"(?P<open>\((?:[市町村区県]の)?(?:閉庁日|休日)を除く。?\))?"
_PERIOD = re.compile(
    rf"(?:最長)?(?P<count>{_NUMBER})(?P<unit>(?:営業日|開庁日)間?|日間?|週間?|{_MONTH}|年間?)(?:以内)?{_WITHOUT_CLOSED_DAYS}"
)
_REFUSALS = (
    (re.compile(r"\d.*[~〜‐-].*\d|[~〜]"), "a range"),
    (re.compile(r"起算|から\d"), "a start of its own"),
    (re.compile(r"約\d|\d.*程度$|^数"), "an approximate length"),
    (re.compile(r"\d[.・]\d|半$"), "a fraction"),
    (re.compile(rf"^(?:{_NUMBER})$"), "a number without a unit"),
    (re.compile(""), "another text"),
)


class NotAPeriod(ValueError):
    """A text that says no one length of time. Names the text and what it says instead."""


def parse_period(text: str) -> Period:
    """The period that `text` says, full-width and Chinese numerals (up to 99) too. Raises NotAPeriod."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    found = _PERIOD.fullmatch(plain)
    if found is None:
        raise NotAPeriod(f"expected one period such as 30日, 2週間, 3か月, 10営業日, found {_what(plain)}: {text!r}")
    unit = _unit(found["unit"])
    if found["open"]:
        if unit not in ("days", "business-days"):
            raise NotAPeriod(f"expected days where closed days are left out, found {unit}: {text!r}")
        unit = "business-days"
    try:
        return Period(_count(found["count"]), unit)
    except ValueError as error:
        raise NotAPeriod(f"{error}: {text!r}") from None


def _what(text: str) -> str:
    return next(what for pattern, what in _REFUSALS if pattern.search(text))


def _unit(text: str) -> Unit:
    if text.startswith(("営業日", "開庁日")):
        return "business-days"
    units: dict[str, Unit] = {"日": "days", "週": "weeks", "年": "years"}
    return units.get(text[0], "months")


def _count(text: str) -> int:
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _digit(text)
    return 10 * (_digit(tens) if tens else 1) + (_digit(ones) if ones else 0)


def _digit(text: str) -> int:
    if len(text) != 1 or text not in _DIGITS:
        raise ValueError("expected a number up to 九十九")
    return _DIGITS.index(text)
