"""Individual Numbers (個人番号, マイナンバー) in text that may not hold any, however they are written. Pure.

Twelve digits, the last a check digit (行政手続における特定の個人を識別するための番号の利用等に関する法律施行令 8条; 総務省令 平成26年85号 5条). Digits
may be half or full width, circled, Chinese or of other scripts; between them up to eight hyphens, spaces or the like, or, as on the
card in fours, a full stop, comma or slash. What is found are groups of digits whole: the end of one telephone number and the beginning of the next are no Individual Number.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LENGTH = 12
MASK = "●"
MASKED = MASK * LENGTH

_KANJI = {
    **dict(zip("〇一二三四五六七八九", range(10), strict=True)),
    **dict(zip("零壱弐参肆伍陸漆捌玖", range(10), strict=True)),  # 大字
}
_FAMILIES = (range(0x10000), range(0x1D7CE, 0x1D800))
"""Where digits are: the basic plane, and those of mathematics."""
_DIGITS = {
    **{chr(code): unicodedata.digit(chr(code)) for each in _FAMILIES for code in each if chr(code).isdigit()},
    **_KANJI,
}
_TIGHT = "-_‐‑‒–—―−─━ーｰ－＿﹣・･"
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufe0e\ufe0f\ufeff"
_LOOSE = " \t\r\n" + _SPACES + _INVISIBLE
_DIGIT = f"[{''.join(_DIGITS)}]"
_GAP = f"[{re.escape(_TIGHT + _LOOSE)}]{{0,8}}"
_EIGHT, _ONE = (f"[{''.join(sign for sign, digit in _DIGITS.items() if digit == each)}]" for each in (8, 1))
_COUNTRY = f"(?<={_EIGHT}){_ONE}|{_DIGIT}{{0,2}}(?!{_DIGIT})"
"""What goes on behind a `+` and a digit where a telephone number is written: Japan's code, or any by itself."""
_FIRST = f"{_DIGIT}(?<!{_DIGIT}{_DIGIT})(?<!{_DIGIT}[.．]{_DIGIT})(?:(?<![+＋]{_DIGIT})|(?!{_COUNTRY}))"
"""A telephone number's country code, and the fraction of a decimal, are passed over. Asked behind the digit: a search begins with what is rare."""
_RUN = re.compile(f"{_FIRST}(?:{_GAP}{_DIGIT}){{{LENGTH - 1},}}")
_STOPS = ".．,，、/／"
_PRINTED = 4
"""Digits a group, as the card has them: (4, 4, 4) is no usual grouping of a telephone number, an amount, an address of a computer or a day."""
_STOPPED = re.compile(
    f"{_DIGIT}(?<!{_DIGIT}{_DIGIT})(?<!{_DIGIT}[{_STOPS}]{_DIGIT}){_DIGIT}{{3}}([{_STOPS}]) ?{_DIGIT}{{4}}\\1 ?{_DIGIT}{{4}}"
    f"(?!{_DIGIT}|[{_STOPS}]{_DIGIT})"
)
_UUID = re.compile("[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_GROUP = re.compile(f"{_DIGIT}+")


@dataclass(frozen=True, slots=True)
class _Group:
    """Digits that stand together, and how tightly what stands before them binds: 2 by a hyphen, 1 by a space, 0 at the start."""

    start: int
    end: int
    binding: int


def find(text: str) -> list[tuple[int, int]]:
    """Where (start, end) the Individual Numbers stand in `text`, none overlapping another."""
    if len(text) < LENGTH or sum(map(_DIGITS.__contains__, text)) < LENGTH:
        return []  # Nearly always: 4 µs a line of text, not 45.
    found = [span for run in _RUN.finditer(text) for span in _in_run(text, _groups(text, run.start(), run.end()))]
    found += [span for span in _between_stops(text) if all(end <= span[0] or span[1] <= first for first, end in found)]
    identifiers = [each.span() for each in _UUID.finditer(text)] if found else []
    return sorted(span for span in found if not any(first < span[1] and span[0] < end for first, end in identifiers))


def mask(text: str) -> str:
    """The same text, every Individual Number made unreadable."""
    for start, end in reversed(find(text)):
        text = text[:start] + MASKED + text[end:]
    return text


def read(text: str) -> str | None:
    """The twelve digits of a text that is an Individual Number and nothing else; None for any other, or a wrong check digit."""
    digits = [_DIGITS.get(sign) for sign in text if sign not in _TIGHT + _LOOSE]
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


def _between_stops(text: str) -> Iterator[tuple[int, int]]:
    """`1234.5678.9018`: in fours, by one sign throughout."""
    for match in _STOPPED.finditer(text):
        if is_valid([_DIGITS[sign] for sign in match.group() if sign in _DIGITS]):
            yield match.span()


def _groups(text: str, start: int, end: int) -> list[_Group]:
    found: list[_Group] = []
    for match in _GROUP.finditer(text, start, end):
        gap = text[found[-1].end : match.start()] if found else ""
        found.append(_Group(match.start(), match.end(), _binding(gap)))
    return found


def _binding(gap: str) -> int:
    if not gap:
        return 0
    return 2 if any(sign in _TIGHT for sign in gap) else 1


def _in_run(text: str, groups: Sequence[_Group]) -> Iterator[tuple[int, int]]:
    """Of candidates that overlap, the one whose gaps are all alike is the number."""
    found = ((first, _number_from(text, groups, first)) for first in range(len(groups)))
    spans = [range(first, last + 1) for first, last in found if last is not None]
    taken: set[int] = set()
    for span in sorted(spans, key=lambda span: len({groups[at].binding for at in span[1:]}) > 1):
        if taken.isdisjoint(span):
            taken.update(span)
            yield groups[span[0]].start, groups[span[-1]].end


def _number_from(text: str, groups: Sequence[_Group], first: int) -> int | None:
    """The last group of the Individual Number that begins with this one, if there is one."""
    length = 0
    for last in range(first, len(groups)):
        length += groups[last].end - groups[last].start
        if length >= LENGTH:
            digits = [_DIGITS[sign] for group in groups[first : last + 1] for sign in text[group.start : group.end]]
            stands = (
                length == LENGTH and _stands_alone(groups, first, last) and not _is_glued(text, groups, first, last)
            )
            return last if stands and is_valid(digits) and not _is_date(digits, groups, first) else None
    return None


def _stands_alone(groups: Sequence[_Group], first: int, last: int) -> bool:
    """Whether it holds together at least as tightly as it is bound to what stands before and after."""
    inner = min((group.binding for group in groups[first + 1 : last + 1]), default=2)
    after = groups[last + 1].binding if last + 1 < len(groups) else 0
    return max(groups[first].binding if first else 0, after) <= inner


def _is_glued(text: str, groups: Sequence[_Group], first: int, last: int) -> bool:
    """Whether groups of digits with gaps begin or end within a word of Latin letters: they are of some code, but in fours as printed."""
    if all(group.end - group.start == _PRINTED for group in groups[first : last + 1]):
        return False
    around = text[groups[first].start - 1 : groups[first].start] + text[groups[last].end : groups[last].end + 1]
    return first < last and any(sign.isascii() and sign.isalpha() for sign in around)


def _is_date(digits: Sequence[int], groups: Sequence[_Group], first: int) -> bool:
    """Whether it begins as a day and goes on as a time: `2026-11-24 0930`."""
    lengths = [group.end - group.start for group in groups[first : first + 3]]
    return lengths == [4, 2, 2] and digits[0] in (1, 2) and digits[4] <= 1 and digits[6] <= 3
