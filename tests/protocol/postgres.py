"""PostgreSQL, as far as the protocol leans on it: transactions, snapshots, row locks, unique keys, fenced updates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from chassis.ticks import Tick
from tests.protocol.decisions import Decisions

KEYS = ("a", "b", "c", "d")
PAGE = 3
"""Smaller than most windows, so that ticks come in pages."""


@dataclass(frozen=True, slots=True)
class Row:
    """One journal row."""

    id: int
    xid: int
    key: str


def sees(snapshot: str, xid: int) -> bool:
    """`pg_visible_in_snapshot`: arithmetic only."""
    _, xmax, in_progress = snapshot.split(":")
    return xid < int(xmax) and str(xid) not in in_progress.split(",")


@dataclass(slots=True)
class Producer:
    """The database of the service that speaks: its writers, journal and ticks."""

    random: Random
    decisions: Decisions
    next_xid: int = 1
    next_id: int = 1
    open: dict[int, list[Row]] = field(default_factory=lambda: dict[int, list[Row]]())
    journal: list[Row] = field(default_factory=lambda: list[Row]())
    done: set[int] = field(default_factory=lambda: set[int]())
    committed: list[Row] = field(default_factory=lambda: list[Row]())
    locks: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    ticks: list[Tick] = field(default_factory=lambda: [Tick(0, "1:1:", "1:1:", 0, 0, True, (), ())])  # noqa: FBT003

    def begin(self) -> None:
        """A writer starts a transaction."""
        self.open[self.next_xid] = []
        self.next_xid += 1

    def write(self) -> None:
        """A writer appends an event, once it holds the lock of the key's row."""
        if not self.open:
            return
        xid, key = self.random.choice(list(self.open)), self.random.choice(KEYS)
        if self.locks.get(key, xid) != xid and self.decisions.bug != "no row lock":
            return
        self.locks[key] = xid
        row = Row(self.next_id, xid, key)
        self.next_id += 1
        self.open[xid].append(row)
        self.journal.append(row)

    def end(self, *, commit: bool = True) -> None:
        """A writer commits or rolls back."""
        if not self.open:
            return
        xid = self.random.choice(list(self.open))
        rows = self.open.pop(xid)
        self.locks = {key: holder for key, holder in self.locks.items() if holder != xid}
        if commit:
            self.done.add(xid)
            self.committed += rows
        else:
            self.journal = [row for row in self.journal if row.xid != xid]

    def snapshot(self) -> str:
        """`xmin:xmax:xip,…` of now."""
        xmin = min(self.open, default=self.next_xid)
        return f"{xmin}:{self.next_xid}:{','.join(str(xid) for xid in sorted(self.open))}"

    def window(self, since: str, cursor: int) -> tuple[str, list[Row]]:
        """`journal.window`: what became visible since a snapshot, a page of it."""
        xmax, in_progress = self.decisions.horizon(since)
        visible = [row for row in self.journal if row.xid in self.done]
        if self.decisions.bug == "cursor by id":
            return self.snapshot(), sorted((row for row in visible if row.id > cursor), key=_id)[:PAGE]
        news = [row for row in visible if row.xid >= xmax or row.xid in in_progress]
        return self.snapshot(), sorted(news, key=_id)[:PAGE]

    def page(self, tick: Tick) -> list[Row]:
        """`journal.page`: the next page of a window that was not whole."""
        return [row for row in self._between(tick) if row.id > tick.upto][:PAGE]

    def promised(self, tick: Tick) -> list[Row]:
        """`journal.promised`: the rows of a tick, to publish them again."""
        return [row for row in self._between(tick) if tick.after < row.id <= tick.upto]

    def save_tick(self, tick: Tick) -> bool:
        """Insert; False when the number is taken."""
        if any(saved.number == tick.number for saved in self.ticks):
            return False
        self.ticks.append(tick)
        return True

    def _between(self, tick: Tick) -> Sequence[Row]:
        found = [
            row
            for row in self.journal
            if row.xid in self.done and sees(tick.snapshot, row.xid) and not sees(tick.previous, row.xid)
        ]
        return sorted(found, key=_id)


def _id(row: Row) -> int:
    return row.id
