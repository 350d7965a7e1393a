"""Individual Numbers (個人番号, マイナンバー) in text that may not hold any, however they are written. Pure.

Twelve digits, the last a check digit (行政手続における特定の個人を識別するための番号の利用等に関する法律施行令 8条; 総務省令 平成26年85号 5条). Digits
may be half or full width, circled, Chinese or of other scripts; between any two of them up to eight hyphens, spaces or the like, or any one
sign that is no letter. What is found are groups of digits whole: the end of one telephone number and the beginning of the next are no Individual Number.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from operator import methodcaller
from typing import NamedTuple

LENGTH = 12
MASK = "●"
MASKED = MASK * LENGTH

_KANJI = {
    **dict(zip("〇一二三四五六七八九", range(10), strict=True)),
    **dict(zip("零壱弐参肆伍陸漆捌玖", range(10), strict=True)),  # 大字
}
_CIRCLED = "".join(sign for sign in map(chr, range(0x10000)) if sign.isdigit() and not sign.isdecimal())
"""Digits of the basic plane that `\\d` does not know: those above it would make the search of every text five times as long."""
_TIGHT = "-_‐‑‒–—―−─━ーｰ－＿﹣・･"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff"
_LOOSE = " \t\r\n" + _SPACES + _INVISIBLE
_DIGIT = re.compile(rf"[\d{_CIRCLED}{''.join(_KANJI)}]")
_GROUP = re.compile(f"{_DIGIT.pattern}+")
_span = methodcaller("span")
_WIDEST = 8
"""Signs between two groups of digits that belong together."""
_TIED, _STOPPED, _NEAR = 3, 2, 1
"""How tightly groups are bound: by a hyphen, by one other sign, by a space, with a sign or without."""
_PRINTED = 4
"""Digits a group, as the card has them: (4, 4, 4) is no usual grouping of a telephone number, an amount, an address of a computer or a day."""
_POINTS = ".．"
_HALF_WIDTH = str.maketrans("．，：／", ".,:/")
_KNOWN = re.compile(
    r"""\D?(?:
      (?:\d+\D)*?(?:19|20)\d\d[- /.](?:0?[1-9]|1[0-2])[- /.](?:0?[1-9]|[12]\d|3[01])(?:\D.*)?   # 2026-11-24 0930
    | (?:\d+\D)*?(?:(?:0?[1-9]|[12]\d|3[01])[/.]){2}(?:19|20)\d\d(?:\D.*)?                       # 24/11/2026 09:30
    | (?:[01]?\d|2[0-4]):[0-5]\d:[0-5]\d(?:\D\d+)?                                             # 09:30:15.123456
    | \d{1,3}(?:,\d{3})+                                                                       # 123,456,789,012
    | (?:(?:[01]?\d?\d|2[0-4]\d|25[0-5])(?:\.|$)){4}                                            # 192.168.100.123
    | \d{1,3}\.\d+ | \d+\.\d\d?                                                               # 42.9848541234
    | \d{1,3}\.\d+[, ]\d{1,3}\.\d+                                                            # 42.98,144.38123
    )""",
    re.VERBOSE,
)
"""What digits and single signs between them are taken for, though they may be an Individual Number: every eleventh looks like one."""
_UUID = re.compile("[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_COUNTRY = re.compile(
    r"2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[246]|9[0-58]|(?:2[1-69]|3[578]|42|5[09]|6[789]|8[0578]|9[679])\d"
)
"""Country codes but Japan's (ITU-T E.164), and not those of 1 and 7, where numbers have eleven digits in all, never twelve."""


class _Group(NamedTuple):
    """Digits that stand together, how tightly what stands before them binds (0: not at all), and by which sign but a hyphen or space.

    A tuple, as hundreds may stand in a text: a frozen dataclass takes four times as long to make.
    """

    start: int
    end: int
    binding: int
    stop: str


def find(text: str) -> list[tuple[int, int]]:
    """Where (start, end) the Individual Numbers stand in `text`, none overlapping another."""
    if len(text) < LENGTH or len(_DIGIT.findall(text)) < LENGTH:
        return []  # Nearly always: 1 µs a line of text, not 45.
    found = [span for run in _runs(text) for span in _in_run(text, run)]
    identifiers = [each.span() for each in _UUID.finditer(text)] if found else []
    return sorted(span for span in found if not any(first < span[1] and span[0] < end for first, end in identifiers))


def mask(text: str) -> str:
    """The same text, every Individual Number made unreadable."""
    for start, end in reversed(find(text)):
        text = text[:start] + MASKED + text[end:]
    return text


def read(text: str) -> str | None:
    """The twelve digits of a text that is an Individual Number and nothing else; None for any other, or a wrong check digit."""
    digits = [_digit(sign) for sign in text if sign not in _TIGHT + _LOOSE]
    known = [digit for digit in digits if digit is not None]
    whole = len(digits) == len(known) == LENGTH and is_valid(known)
    return "".join(map(str, known)) if whole else None


def is_valid(digits: Sequence[int]) -> bool:
    """Whether twelve digits end with the right check digit: 11 less the weighted sum modulo 11, and 0 for 10 and 11."""
    *number, check = digits
    weighted = sum(
        digit * weight for digit, weight in zip(reversed(number), (2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6), strict=True)
    )
    remainder = weighted % 11
    return check == (0 if remainder <= 1 else 11 - remainder)


def _runs(text: str) -> Iterator[list[_Group]]:
    """Groups of digits that may belong together, where there are enough."""
    run: list[_Group] = []
    for start, end in map(_span, _GROUP.finditer(text)):
        binding, stop = _bound(text[run[-1].end : start]) if run else (0, "")
        if run and not binding:
            yield run
            run = []
        run.append(_Group(start, end, binding, stop))
    yield run


@lru_cache(1024)
def _bound(gap: str) -> tuple[int, str]:
    """How tightly what stands between two groups binds them, and the sign in it."""
    signs = gap.strip(_LOOSE)
    if len(gap) > _WIDEST:
        return 0, ""
    if all(sign in _TIGHT + _LOOSE for sign in signs):
        return _TIED if signs else _NEAR, ""
    if len(signs) > 1 or signs.isalpha():
        return 0, ""
    return _STOPPED if signs == gap else _NEAR, signs


def _in_run(text: str, groups: Sequence[_Group]) -> Iterator[tuple[int, int]]:
    """Of candidates that overlap, the one whose gaps are all alike is the number."""
    if groups[-1].end - groups[0].start < LENGTH:
        return
    found = ((first, _number_from(text, groups, first)) for first in range(len(groups)))
    spans = [range(first, last + 1) for first, last in found if last is not None]
    taken: set[int] = set()
    for span in sorted(spans, key=lambda span: len({(groups[at].binding, groups[at].stop) for at in span[1:]}) > 1):
        if taken.isdisjoint(span):
            taken.update(span)
            yield groups[span[0]].start, groups[span[-1]].end


def _number_from(text: str, groups: Sequence[_Group], first: int) -> int | None:
    """The last group of the Individual Number that begins with this one, if there is one."""
    length = 0
    for last in range(first, len(groups)):
        length += groups[last].end - groups[last].start
        if length >= LENGTH:
            return last if length == LENGTH and _stands(text, groups, first, last) else None
    return None


def _stands(text: str, groups: Sequence[_Group], first: int, last: int) -> bool:
    inside = groups[first : last + 1]
    digits = [digit for group in inside for digit in map(_digit, text[group.start : group.end]) if digit is not None]
    return (
        is_valid(digits)
        and _stands_alone(groups, first, last)
        and not _is_glued(text, inside)
        and not _is_telephone(text, digits, inside)
        and not _is_something_else(text, inside)
    )


def _stands_alone(groups: Sequence[_Group], first: int, last: int) -> bool:
    """Whether it holds together at least as tightly as it is bound to what stands before and after.

    It is neither the fraction of a decimal nor, with signs between its groups, a part of more that is written so.
    """
    inside, around = groups[first + 1 : last + 1], (groups[first], *groups[last + 1 : last + 2])
    inner = min((group.binding for group in inside), default=_TIED)
    if any(group.stop for group in inside):
        return all(group.binding <= inner and not _is_bound_by_a_sign(group) for group in around)
    fraction = _is_bound_by_a_sign(groups[first]) and groups[first].stop in _POINTS
    return not fraction and all(group.stop or group.binding <= inner for group in around)


def _is_bound_by_a_sign(group: _Group) -> bool:
    return group.binding == _STOPPED


def _is_glued(text: str, groups: Sequence[_Group]) -> bool:
    """Whether groups of digits with gaps begin or end within a word of Latin letters: they are of some code, but in fours as printed."""
    if all(group.end - group.start == _PRINTED for group in groups):
        return False
    around = text[groups[0].start - 1 : groups[0].start] + text[groups[-1].end : groups[-1].end + 1]
    return len(groups) > 1 and any(sign.isascii() and sign.isalpha() for sign in around)


def _is_telephone(text: str, digits: Sequence[int], groups: Sequence[_Group]) -> bool:
    """Whether it is a telephone number behind a `+`: of Japan one of 020, 050 to 090; of another country with its code by itself."""
    if text[groups[0].start - 1 : groups[0].start] not in ("+", "＋"):
        return False
    if digits[:2] == [8, 1]:
        return digits[3] == 0 and (digits[2] == 2 or digits[2] >= 5)
    return _COUNTRY.fullmatch("".join(map(str, digits[: groups[0].end - groups[0].start]))) is not None


def _is_something_else(text: str, groups: Sequence[_Group]) -> bool:
    """Whether digits in groups are known as what they are, such as a day and a time."""
    return _KNOWN.fullmatch("".join(_plainly(text, group) for group in groups)) is not None


def _plainly(text: str, group: _Group) -> str:
    """Its digits, behind the sign before them: half width, a hyphen for what binds like one."""
    sign = {_TIED: "-", _NEAR: " "}.get(group.binding, group.stop)
    return sign.translate(_HALF_WIDTH) + "".join(str(_digit(each)) for each in text[group.start : group.end])


@lru_cache(1024)
def _digit(sign: str) -> int | None:
    """Its value, None for a sign that is no digit."""
    return _KANJI.get(sign, unicodedata.digit(sign, None))
