"""Who may have taken over from units that ended: suggestions for a person, and the successors a person has confirmed. Pure.

A suggestion is never applied by itself. Its score, 0 to 1, is the sum of what speaks for it:

| 0.65 × likeness of the names | pairs of neighbouring letters in common, the rarer the more: 推進課 says little, 地域共生 much |
| 0.15 the same parent         | by code or by name                                                                              |
| 0.10 new on the day after    | a unit that just began is likelier than one that goes on                                        |
| 0.10 the same kind           | 局, 部, 課, …                                                                                   |

That a unit has the same code speaks neither for nor against it (see `snapshots.combine`).
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from difflib import SequenceMatcher

from services.routing.rules.organisation import InvalidOrganisation, Organisation, Unit

NAME = 0.65
LEAST = 0.4
"""A lower score is no suggestion: without any likeness of the names there is none."""
BEHIND = 0.7
"""Nor is one that is this far behind the best."""
MOST = 3
"""Suggestions a unit."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A unit that may have taken over from one that ended, and why it may."""

    ended: Unit
    successor: Unit
    score: float
    reason_ja: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person decided: the unit `code` that ended on `last_day` went over to `successor`."""

    code: str
    last_day: date
    successor: str
    place: str
    """Where that is written, for errors."""


def unsettled(organisation: Organisation) -> tuple[Unit, ...]:
    """The units that ended and name nobody."""
    return tuple(unit for unit in organisation.units if unit.day_after and not unit.successors)


def suggest(organisation: Organisation, ended: Unit) -> tuple[Suggestion, ...]:
    """Up to three units of the day after, the likeliest first; none when none is likely."""
    if ended.day_after is None:
        return ()
    units = organisation.units_on(ended.day_after)
    rarity = rarity_of([unit.name for unit in units])
    spoken = [[trait for trait in _TRAITS if trait.holds(organisation, ended, unit)] for unit in units]
    alike = [likeness(ended.name, unit.name, rarity) for unit in units]
    scores = [NAME * one + sum(trait.weight for trait in traits) for one, traits in zip(alike, spoken, strict=True)]
    least = max(LEAST, BEHIND * max(scores, default=0))
    likely = [at for at, score in enumerate(scores) if score >= least]
    best = sorted(likely, key=lambda at: (-scores[at], units[at].code))[:MOST]
    return tuple(_suggestion(ended, units[at], scores[at], alike[at], spoken[at]) for at in best)


@dataclass(frozen=True, slots=True)
class _Trait:
    """What can speak for a unit besides its name."""

    weight: float
    ja: str
    en: str
    holds: Callable[[Organisation, Unit, Unit], bool]


def _is_same_parent(organisation: Organisation, ended: Unit, unit: Unit) -> bool:
    if ended.parent is None or unit.parent is None or ended.valid_until is None or ended.day_after is None:
        return False
    before = organisation.unit(ended.parent, ended.valid_until)
    after = organisation.unit(unit.parent, ended.day_after)
    return ended.parent == unit.parent or (before is not None and after is not None and before.name == after.name)


_TRAITS = (
    _Trait(0.15, "上位の組織が同じ", "same parent", _is_same_parent),
    _Trait(
        0.10,
        "翌日に新設または改称",
        "new or renamed the day after",
        lambda _, ended, unit: unit.valid_from == ended.day_after,
    ),
    _Trait(0.10, "種別が同じ", "same kind", lambda _, ended, unit: ended.kind != "" and ended.kind == unit.kind),
)


def _suggestion(ended: Unit, unit: Unit, score: float, alike: float, traits: Sequence[_Trait]) -> Suggestion:
    name_ja, name_en = _words(ended.name, unit.name, alike)
    ja = "、".join([name_ja, *(trait.ja for trait in traits)])
    en = ", ".join([name_en, *(trait.en for trait in traits)])
    return Suggestion(ended, unit, round(score, 2), ja, en)


def rarity_of(names: Sequence[str]) -> Callable[[str], float]:
    """How much a pair of neighbouring letters says: the logarithm of all names to those with it, squared so that endings say little."""
    counted = Counter(pair for name in names for pair in set(_pairs(name)))
    return lambda pair: math.log((len(names) + 1) / max(counted[pair], 1)) ** 2


def likeness(one: str, other: str, rarity: Callable[[str], float]) -> float:
    """How alike two names are, 0 to 1: Dice's coefficient of their pairs of letters, weighed by rarity."""
    pairs, others = _pairs(one), _pairs(other)
    common, in_all = (
        sum(rarity(pair) * count for pair, count in found.items()) for found in (pairs & others, pairs + others)
    )
    return 2 * common / in_all if in_all else 0.0


def _pairs(name: str) -> Counter[str]:
    plain = unicodedata.normalize("NFKC", name)
    return Counter(plain[at : at + 2] for at in range(len(plain) - 1)) or Counter([plain])


def _words(one: str, other: str, alike: float) -> tuple[str, str]:
    if one == other:
        return "名称が同じ", "same name"
    common = _common(one, other)
    ja = f"名称の類似度{alike:.0%}" + (f"（共通: {'・'.join(common)}）" if common else "")
    en = f"names {alike:.0%} alike" + (f" (in common: {', '.join(common)})" if common else "")
    return ja, en


def _common(one: str, other: str) -> Sequence[str]:
    """What two names share, pieces of two letters and more."""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return [one[block.a : block.a + block.size] for block in matcher.get_matching_blocks() if block.size > 1]


def confirm(units: Sequence[Unit], confirmations: Iterable[Confirmation]) -> tuple[Unit, ...]:
    """The units with the confirmed successors in place of what they had. Raises InvalidOrganisation."""
    organisation = Organisation(tuple(units))
    confirmed: dict[tuple[str, date], list[str]] = {}
    for one in confirmations:
        _check(one, organisation)
        confirmed.setdefault((one.code, one.last_day), []).append(one.successor)
    return tuple(replace(unit, successors=_successors(unit, confirmed)) for unit in units)


def _successors(unit: Unit, confirmed: Mapping[tuple[str, date], Sequence[str]]) -> tuple[str, ...]:
    key = (unit.code, unit.valid_until or date.max)
    return tuple(dict.fromkeys(confirmed.get(key, unit.successors)))


def _check(one: Confirmation, organisation: Organisation) -> None:
    ended = organisation.unit(one.code, one.last_day)
    if ended is None or ended.valid_until != one.last_day or ended.day_after is None:
        raise InvalidOrganisation(f"{one.place}: expected a unit that ended, found no {one.code} until {one.last_day}")
    if not organisation.exists(one.successor, ended.day_after):
        raise InvalidOrganisation(
            f"{one.place}: expected a unit that is valid on {ended.day_after}, found {one.successor}"
        )
