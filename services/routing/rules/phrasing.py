"""Facts, values and cells in words, in the three registers: `>= 65` is 65以上, 65 以上(いじょう), 65 or more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.routing.rules.cells import Equal, Range, Test, values_of
from services.routing.rules.sfeel import parse_cell, write_literal
from services.routing.rules.values import Kind, Value, kind_of

Language = Literal["ja", "ja-easy", "en"]
Labels = Mapping[str, Mapping[Language, str]]
"""What people call a clause, a value or a department, by its name in the tables.

Without a label in a language it is called as in Japanese, else by its name.
"""
Bound = Literal[">=", ">", "<=", "<"]
NUMBERS: Mapping[Language, Mapping[Bound, str]] = {
    "ja": {">=": "{}以上", ">": "{}より大きい", "<=": "{}以下", "<": "{}未満"},
    "ja-easy": {
        ">=": "{} 以上(いじょう)",
        ">": "{}より 大(おお)きい",
        "<=": "{} 以下(いか)",
        "<": "{}より 小(ちい)さい",
    },
    "en": {">=": "{} or more", ">": "more than {}", "<=": "{} or less", "<": "less than {}"},
}
TIMES: Mapping[Language, Mapping[Bound, str]] = {
    "ja": {">=": "{}以降", ">": "{}より後", "<=": "{}まで", "<": "{}より前"},
    "ja-easy": {">=": "{}から あと", ">": "{}より あと", "<=": "{}まで", "<": "{}より 前(まえ)"},
    "en": {">=": "from {} on", ">": "after {}", "<=": "until {}", "<": "before {}"},
}
POINTS: frozenset[Kind] = frozenset(("date", "date-time", "time"))
OR: Mapping[Language, str] = {"ja": "または", "ja-easy": "か ", "en": " or "}
AND: Mapping[Language, str] = {"ja": "、", "ja-easy": "、", "en": " and "}
BUT: Mapping[Language, str] = {"ja": "{}以外", "ja-easy": "{}では ない", "en": "anything but {}"}
ANY: Mapping[Language, str] = {"ja": "条件なし", "ja-easy": "何(なん)でも いい", "en": "anything"}
NOTHING: Mapping[Language, str] = {"ja": "記載なし", "ja-easy": "書(か)いて いません", "en": "not given"}
TRUTH: Mapping[Language, tuple[str, str]] = {
    "ja": ("いいえ", "はい"),
    "ja-easy": ("いいえ", "はい"),
    "en": ("no", "yes"),
}


@dataclass(frozen=True, slots=True)
class Speech:
    """The register somebody is spoken to in."""

    language: Language
    labels: Labels

    def call(self, name: str) -> str:
        """What people call what the tables call `name`."""
        known = self.labels.get(name, {})
        return known.get(self.language) or known.get("ja") or name

    def fact(self, fact: object) -> str:
        """A fact, as it came from JSON; None is a missing one."""
        if fact is None:
            return NOTHING[self.language]
        if isinstance(fact, bool):
            return TRUTH[self.language][fact]
        return self.call(str(fact))

    def value(self, value: Value) -> str:
        """A value that a cell names."""
        if isinstance(value, date) and not isinstance(value, datetime):
            return _day(value, self.language)
        return self.fact(value) if isinstance(value, (str, int, float)) else write_literal(value)

    def condition(self, asks: str) -> str:
        """What a cell asks for, from its S-FEEL text. Raises sfeel.Unreadable."""
        cell = parse_cell(asks)
        if not cell.tests:
            return ANY[self.language]
        listed = OR[self.language].join(self._test(test) for test in cell.tests)
        return BUT[self.language].format(listed) if cell.negated else listed

    def _test(self, test: Test) -> str:
        if isinstance(test, Equal):
            return self.value(test.value)
        words = (TIMES if kind_of(values_of(test)[0]) in POINTS else NUMBERS)[self.language]
        return AND[self.language].join(words[how].format(self.value(bound)) for how, bound in _bounds(test))


LANGUAGES: tuple[Language, ...] = ("ja", "ja-easy", "en")


def names_of(code: str, labels: Labels) -> dict[Language, str] | None:
    """What people call it in each register; None where nobody has said."""
    return {each: Speech(each, labels).call(code) for each in LANGUAGES} if labels.get(code) else None


def _bounds(test: Range) -> Sequence[tuple[Bound, Value]]:
    found: list[tuple[Bound, Value]] = []
    if test.low is not None:
        found.append((">=" if test.with_low else ">", test.low))
    if test.high is not None:
        found.append(("<=" if test.with_high else "<", test.high))
    return found


def _day(day: date, language: Language) -> str:
    if language == "en":
        return f"{day.day} {day:%B %Y}"
    if language == "ja":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.year}年(ねん){day.month}月(がつ){day.day}日(にち)"
