"""The rivals' decision table: 50 rows, first hit, compiled to the rows a kind and channel can reach, as in our spike."""

import random
from dataclasses import dataclass
from itertools import product

from benchmarks.rivals.work import CHANNELS, KINDS, Application

ROWS = 50
DEPARTMENTS = 40
ANY = 10**10


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ranges are half-open, None is any."""

    kind: str | None
    channel: str | None
    urgency: int
    amount: tuple[int, int]
    ward: tuple[int, int]
    department: str
    hours: int
    priority: int

    def catches_all(self) -> bool:
        """Whether no row behind it can be reached."""
        return self.urgency == 0 and self.amount[0] == 0 and self.amount[1] >= 10**9 and _whole(self.ward)

    def hits(self, urgency: int, amount: int, ward: int) -> bool:
        """Whether it applies, kind and channel apart."""
        return (
            urgency >= self.urgency
            and self.amount[0] <= amount < self.amount[1]
            and self.ward[0] <= ward < self.ward[1]
        )


def _whole(ward: tuple[int, int]) -> bool:
    return ward[0] == 0 and ward[1] >= 50


def make_rows(seed: int = 7) -> list[Row]:
    """The same rows every time, the last one for whatever is left."""
    rng = random.Random(seed)
    return [_row(rng) for _ in range(ROWS - 1)] + [Row(None, None, 0, (0, ANY), (0, ANY), "D000", 240, 1)]


def _row(rng: random.Random) -> Row:
    return Row(
        kind=rng.choice(KINDS),
        channel=rng.choice((*CHANNELS, None, None)),
        urgency=rng.choice((0, 0, 2, 3, 4)),
        amount=(rng.choice((0, 0, 10_000, 100_000)), rng.choice((50_000, 200_000, 10**9, 10**9))),
        ward=(rng.choice((0, 0, 10, 25)), rng.choice((50, 50, 25, 40))),
        department=f"D{rng.randrange(DEPARTMENTS):03d}",
        hours=rng.choice((4, 24, 72, 240)),
        priority=rng.randrange(1, 6),
    )


def compiled(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    """For every kind and channel the rows that can be reached, in order."""
    return {(kind, channel): _reachable(rows, kind, channel) for kind, channel in product(KINDS, CHANNELS)}


def _reachable(rows: list[Row], kind: str, channel: str) -> list[Row]:
    fitting = [row for row in rows if row.kind in (None, kind) and row.channel in (None, channel)]
    last = next(index for index, row in enumerate(fitting) if row.catches_all())
    return fitting[: last + 1]


TABLE = compiled(make_rows())


def decide(application: Application) -> Row:
    """The first row that applies."""
    urgency, amount, ward = application.urgency, application.amount, application.applicant.address.ward
    return next(row for row in TABLE[application.kind, application.channel] if row.hits(urgency, amount, ward))
