"""A city's organisation over time: units with the days on which they exist, and who takes over after them. Pure.

A unit is known by its code. A code can have several versions, one after the other: renamed, moved to another parent, or (as real
organisation files show) given to quite another unit. A version that ends names its successors; its own code among them says
that the unit goes on under it. Where none is named nobody knows: a person decides, nothing is guessed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

Language = Literal["ja", "easy", "en"]
"""Japanese, やさしい日本語, English."""
ONE_DAY = timedelta(days=1)


class InvalidOrganisation(ValueError):
    """An organisation that cannot be used. Says which file, row and column, and what was expected there."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One version of a 部, 課, 係, branch or office."""

    code: str
    names: Mapping[Language, str]
    """At least `ja`."""
    parent: str | None = None
    valid_from: date | None = None
    """The first day; None is not known, and no bound."""
    valid_until: date | None = None
    """The last day; None is no end."""
    successors: tuple[str, ...] = ()
    """Codes of the units that take over on the day after the last."""
    kind: str = ""
    phone: str = ""
    source: str = ""
    """Where this is from; says `unverified` when nothing public says it."""

    @property
    def name(self) -> str:
        """In Japanese."""
        return self.names["ja"]

    def is_valid(self, day: date) -> bool:
        """Whether it exists on a day."""
        return (self.valid_from or date.min) <= day <= (self.valid_until or date.max)

    @property
    def day_after(self) -> date | None:
        """The first day without it."""
        return self.valid_until and self.valid_until + ONE_DAY


Cause = Literal["unknown", "ended", "split"]
"""Not in the organisation then; ended without a successor; taken over by several."""


@dataclass(frozen=True, slots=True)
class Succession:
    """Who has taken over. `unit` is None when a person must decide: `cause` and `reason` say why."""

    code: str
    unit: Unit | None
    steps: tuple[Unit, ...]
    """The versions on the way, from the first on."""
    candidates: tuple[Unit, ...]
    """All that exist at the end of the way."""
    cause: Cause | None

    def reason(self, language: Language) -> str:
        """In words, for staff."""
        first = self.steps[0].names if self.steps else {}
        words = {
            "name": first.get(language) or first.get("ja") or self.code,
            "day": str(next((step.valid_until for step in self.steps if step.valid_until), "")),
            "successors": _JOINERS[language].join(unit.names.get(language) or unit.name for unit in self.candidates),
        }
        return _REASONS[self._what][language].format(**words)

    @property
    def _what(self) -> "Cause | Literal['same', 'followed']":
        return self.cause or ("followed" if len(self.steps) > 1 else "same")


@dataclass(frozen=True, slots=True)
class Organisation:
    """All versions of all units. Made by `consistency.organise`, which has checked them."""

    units: tuple[Unit, ...]
    _by_code: Mapping[str, tuple[Unit, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_code", versions_by_code(self.units))

    def unit(self, code: str, day: date) -> Unit | None:
        """The version of a code that exists on a day."""
        return next((unit for unit in self._by_code.get(code, ()) if unit.is_valid(day)), None)

    def exists(self, code: str, day: date) -> bool:
        """Whether a unit exists on a day."""
        return self.unit(code, day) is not None

    def units_on(self, day: date) -> tuple[Unit, ...]:
        """All units that exist on a day."""
        return tuple(unit for unit in self.units if unit.is_valid(day))

    def path(self, code: str, day: date) -> tuple[Unit, ...]:
        """A unit below all that it belongs to, as 部, 課, 係; empty when it does not exist on that day."""
        return tuple(reversed(list(self._upwards(code, day))))

    def _upwards(self, code: str | None, day: date) -> Iterator[Unit]:
        while code and (unit := self.unit(code, day)):
            yield unit
            code = unit.parent

    def successor(self, code: str, day: date, *, since: date) -> Succession:
        """Who has, on a `day`, the work that the unit `code` had on the day `since`, which is no later.

        Both days, because a code can have been given to another unit in between. Raises ValueError.
        """
        if day < since:
            raise ValueError(f"expected a day from {since} on, found {day}")
        unit = self.unit(code, since)
        if unit is None:
            return Succession(code, None, (), (), "unknown")
        steps: list[Unit] = []
        self._follow(unit, day, steps)
        there = tuple(step for step in steps if step.is_valid(day))
        is_lost = any(not step.successors and not step.is_valid(day) for step in steps)
        cause: Cause | None = "ended" if not there else "split" if is_lost or len(there) > 1 else None
        return Succession(code, next(iter(there)) if cause is None else None, tuple(steps), there, cause)

    def _follow(self, unit: Unit, day: date, steps: list[Unit]) -> None:
        """Add a unit to `steps` and all that come after it until `day`; units that merge again are there once."""
        if unit in steps:
            return
        steps.append(unit)
        if unit.is_valid(day) or unit.day_after is None:
            return
        for code in unit.successors:
            if successor := self.unit(code, unit.day_after):
                self._follow(successor, day, steps)


def codes_by_name(organisation: Organisation) -> dict[str, str]:
    """The code of every unit by its Japanese or English name, where one code alone has it and it is no code itself."""
    found: dict[str, set[str]] = {}
    for unit in organisation.units:
        for name in {unit.names.get("ja"), unit.names.get("en")} - {None, ""}:
            found.setdefault(str(name), set()).add(unit.code)
    codes = {unit.code for unit in organisation.units}
    return {name: min(of) for name, of in found.items() if len(of) == 1 and name not in codes}


def versions_by_code(units: tuple[Unit, ...]) -> Mapping[str, tuple[Unit, ...]]:
    """The versions of every code, the earliest first."""
    found: dict[str, list[Unit]] = {}
    for unit in sorted(units, key=lambda unit: unit.valid_from or date.min):
        found.setdefault(unit.code, []).append(unit)
    return {code: tuple(versions) for code, versions in found.items()}


_JOINERS: Mapping[Language, str] = {"ja": "、", "easy": "、", "en": ", "}
_REASONS: Mapping[str, Mapping[Language, str]] = {
    "same": {
        "ja": "{name}が引き続き担当しております。",
        "easy": "いまも {name}が 担当（たんとう）です。",
        "en": "{name} is still responsible.",
    },
    "followed": {
        "ja": "{name}は{day}までの組織で、{successors}が引き継いでおります。",
        "easy": "{name}は {day}に おわりました。いまは {successors}が 担当（たんとう）です。",
        "en": "{name} ended on {day}; {successors} has taken over.",
    },
    "unknown": {
        "ja": "{name}という組織は、その日の組織表にございません。担当の課をお決めください。",
        "easy": "その日（ひ）の 組織（そしき）の 表（ひょう）に {name}は ありません。担当（たんとう）の 課（か）を 決（き）めてください。",
        "en": "The organisation of that day has no {name}. Please decide who is responsible.",
    },
    "ended": {
        "ja": "{name}は{day}で終わりましたが、引き継ぎ先が組織表にございません。担当の課をお決めください。",
        "easy": "{name}は {day}に おわりました。つぎの 課（か）が わかりません。担当（たんとう）の 課（か）を 決（き）めてください。",
        "en": "{name} ended on {day}, and no one successor is known. Please decide who is responsible.",
    },
    "split": {
        "ja": "{name}は{day}で終わり、引き継ぎ先が一つに定まりません（{successors}）。担当の課をお決めください。",
        "easy": "{name}は {day}に おわりました。つぎの 課（か）は {successors}の どれか わかりません。担当（たんとう）の 課（か）を 決（き）めてください。",
        "en": "{name} ended on {day}, and its work did not go to one unit alone ({successors}). Please decide who is responsible.",
    },
}
