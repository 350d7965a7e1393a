"""Suggestions for a person who triages: which departments had the past cases most like this one. Data only, never applied alone.

Two cases are as alike as the facts that they share are telling: a fact weighs what it says about the department, its mutual
information in bits, less what chance alone gives it (Miller's correction). Each suggestion gives counts that can be checked:
of all past cases with these facts, how many went there.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.routing.rules.assigning import Fact, Facts
from services.routing.rules.phrasing import Language, Speech
from services.routing.rules.reroutes import Kept, Reroute, ended_at
from services.routing.rules.values import is_same

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


def suggest_for(facts: Facts, past: Sequence[Reroute | Kept]) -> tuple[Candidate, ...]:
    """At most three departments, the likeliest first; none when no past case shares a fact. Takes time in proportion to `past`."""
    weights = {name: _bits(name, past) for name in facts}
    near = _nearest(facts, past, weights)
    total = sum(likeness for likeness, _ in near)
    scores: dict[str, float] = {}
    for likeness, case in near:
        scores[ended_at(case)] = scores.get(ended_at(case), 0.0) + likeness / total
    ranked = sorted(scores.items(), key=lambda found: (-found[1], found[0]))[:MOST_CANDIDATES]
    return tuple(Candidate(who, score, _because(facts, who, near, past)) for who, score in ranked)


def _bits(name: str, past: Sequence[Reroute | Kept]) -> float:
    """Mutual information of a fact and the department."""
    pairs = Counter((_key(case.facts.get(name)), ended_at(case)) for case in past)
    values, departments = Counter[object](), Counter[str]()
    for (value, department), count in pairs.items():
        values[value] += count
        departments[department] += count
    cases = len(past) or 1
    told = sum(
        count / cases * math.log2(count * cases / (values[value] * departments[who]))
        for (value, who), count in pairs.items()
    )
    by_chance = (len(values) - 1) * (len(departments) - 1) / (2 * cases * math.log(2))
    return max(told - by_chance, LEAST_BITS)


def _key(fact: Fact | None) -> object:
    """Facts that are the same, and no others, have the same key: true is not 1."""
    return isinstance(fact, bool), fact


def _nearest(
    facts: Facts, past: Sequence[Reroute | Kept], weights: Mapping[str, float]
) -> list[tuple[float, Reroute | Kept]]:
    alike = [(sum(weights[name] for name, _ in _shared(facts, case)), case) for case in past]
    alike.sort(key=lambda found: -found[0])
    least = alike[min(NEAREST, len(alike)) - 1][0] if alike else 0.0
    return [found for found in alike if found[0] >= least and found[0] > 0]


def _shared(facts: Facts, case: Reroute | Kept) -> list[tuple[str, Fact]]:
    theirs = case.facts
    return [(name, fact) for name, fact in facts.items() if name in theirs and is_same(fact, theirs[name])]


def _because(
    facts: Facts, department: str, near: Sequence[tuple[float, Reroute | Kept]], past: Sequence[Reroute | Kept]
) -> Because:
    """By the facts that the most alike of the department's cases share."""
    nearest = next(case for _, case in near if ended_at(case) == department)
    shared = _shared(facts, nearest)
    like = [case for case in past if len(_shared(dict(shared), case)) == len(shared)]
    return Because(tuple(shared), sum(ended_at(case) == department for case in like), len(like))


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
