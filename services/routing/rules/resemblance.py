"""Suggestions for a person who triages: which departments had the past cases most like this one. Data only, never applied alone.

Two cases are as alike as the facts that they share are telling: a fact weighs what it says about the department, its mutual
information in bits, less what chance alone gives it (Miller's correction). Each suggestion gives counts that can be checked:
of all past cases with these facts, how many went there.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from services.routing.rules.assigning import Fact, Facts
from services.routing.rules.phrasing import Language, Speech
from services.routing.rules.reroutes import Kept, Reroute, ended_at

NEAREST = 10
"""At least so many cases speak, and all that are as alike as the last of them."""
LEAST_BITS = 0.01
"""What a fact weighs that has told nothing so far."""
MOST_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Because:
    """Of the `cases` of the past that have all these facts, `went` went to the department."""

    shared: tuple[tuple[str, Fact], ...]
    went: int
    cases: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A department that may be responsible. `score` is its share, 0 to 1, of the likeness of the nearest cases."""

    department: str
    score: float
    because: Because


_Told = tuple[str, tuple[bool, Fact]]
"""A fact by its name. Facts that are the same, and no others, are equal so: true is not 1."""


@dataclass(slots=True)
class _Like:
    """Past cases with the same facts that ended at the same department, as one."""

    facts: frozenset[_Told]
    department: str
    cases: int = 0


class Past:
    """Past cases, to compare with one case after the other. What is the same of them is looked at once."""

    def __init__(self, cases: Sequence[Reroute | Kept]) -> None:
        found: dict[tuple[frozenset[_Told], str], _Like] = {}
        for case in cases:
            key = frozenset(_told(case.facts)), ended_at(case)
            found.setdefault(key, _Like(*key)).cases += 1
        self._likes = list(found.values())
        self._bits: dict[str, float] = {}

    def suggest(self, facts: Facts) -> tuple[Candidate, ...]:
        """At most three departments, the likeliest first; none when no past case shares a fact."""
        near = self._nearest(_told(facts))
        total = sum(likeness * like.cases for likeness, like in near)
        scores: dict[str, float] = {}
        for likeness, like in near:
            scores[like.department] = scores.get(like.department, 0.0) + likeness * like.cases / total
        ranked = sorted(scores.items(), key=lambda found: (-found[1], found[0]))[:MOST_CANDIDATES]
        return tuple(Candidate(who, score, self._because(facts, who, near)) for who, score in ranked)

    def _nearest(self, told: Sequence[_Told]) -> list[tuple[float, _Like]]:
        weights = {one: self._weight(one[0]) for one in told}
        alike = [(sum(weights[one] for one in told if one in like.facts), like) for like in self._likes]
        alike.sort(key=lambda found: -found[0])
        counted = accumulate(like.cases for _, like in alike)
        at = next((at for at, cases in enumerate(counted) if cases >= NEAREST), len(alike) - 1)
        return [found for found in alike if found[0] >= alike[at][0] and found[0] > 0]

    def _because(self, facts: Facts, department: str, near: Sequence[tuple[float, _Like]]) -> Because:
        """By the facts that the most alike of the department's cases share."""
        nearest = next(like for _, like in near if like.department == department)
        shared = {one for one in _told(facts) if one in nearest.facts}
        like = [one for one in self._likes if shared <= one.facts]
        went = sum(one.cases for one in like if one.department == department)
        names = {name for name, _ in shared}
        return Because(tuple((name, facts[name]) for name in facts if name in names), went, sum(o.cases for o in like))

    def _weight(self, name: str) -> float:
        if name not in self._bits:
            self._bits[name] = _bits(name, self._likes)
        return self._bits[name]


def _told(facts: Facts) -> list[_Told]:
    return [(name, (isinstance(fact, bool), fact)) for name, fact in facts.items()]


def _bits(name: str, likes: Sequence[_Like]) -> float:
    """Mutual information of a fact and the department."""
    pairs = Counter[tuple[object, str]]()
    for like in likes:
        pairs[next((value for of, value in like.facts if of == name), None), like.department] += like.cases
    values, departments = Counter[object](), Counter[str]()
    for (value, department), count in pairs.items():
        values[value] += count
        departments[department] += count
    cases = pairs.total() or 1
    told = sum(
        count / cases * math.log2(count * cases / (values[value] * departments[who]))
        for (value, who), count in pairs.items()
    )
    by_chance = (len(values) - 1) * (len(departments) - 1) / (2 * cases * math.log(2))
    return max(told - by_chance, LEAST_BITS)


SAID: Mapping[Language, str] = {
    "ja": "{facts}の過去の{cases}件のうち{went}件は、{department}が担当しました。",
    "ja-easy": "{facts}の 前(まえ)の {cases}件(けん)の うち {went}件(けん)は、{department}が しました。",
    "en": "{department} had {went} of {cases} past cases with {facts}.",
}
FACT: Mapping[Language, str] = {"ja": "{}が「{}」", "ja-easy": "{}が「{}」", "en": "{} “{}”"}
COMMA: Mapping[Language, str] = {"ja": "、", "ja-easy": "、", "en": ", "}


def put_in_words(candidate: Candidate, speech: Speech) -> str:
    """Why, for staff, with counts that they can check."""
    because = candidate.because
    named = (FACT[speech.language].format(speech.call(name), speech.fact(fact)) for name, fact in because.shared)
    return SAID[speech.language].format(
        facts=COMMA[speech.language].join(named),
        cases=because.cases,
        went=because.went,
        department=speech.call(candidate.department),
    )
