"""The producer's PostgreSQL: transactions with ids, snapshots as text, row locks, the journal, the relay's ticks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from chassis.ticks import Tick

ASIDE = "aside"
"""The kind of events that the reader has no handler for."""

PAGE = 3
"""Rows a relay reads at once: smaller than many windows, so that pages happen."""

LIFETIME = 25
MARGIN = 30
"""`transaction_timeout`, and how much further back than a window's opening the relay reads; in steps."""

FIRST_TICK = Tick(0, "1:1:", "1:1:", 0, 0, whole=True, before=(), counters=())


@dataclass(frozen=True, slots=True)
class Row:
    """One journal row; its id is the event's. `at` is when its transaction began."""

    id: int
    xid: int
    at: int
    key: str
    kind: str

    @property
    def is_aside(self) -> bool:
        return self.kind == ASIDE


@dataclass(slots=True)
class Writing:
    """A writer's transaction. As in PostgreSQL it has an id only from its first write on."""

    began: int
    xid: int | None = None
    rows: list[Row] = field(default_factory=lambda: list[Row]())


@dataclass(slots=True)
class Postgres:
    """What the producer's database keeps."""

    now: int = 0
    next_xid: int = 1
    newest_ended: int = 0
    running: list[Writing] = field(default_factory=lambda: list[Writing]())
    journal: list[Row] = field(default_factory=lambda: list[Row]())
    committed: set[int] = field(default_factory=lambda: set[int]())
    locks: dict[str, Writing] = field(default_factory=lambda: dict[str, Writing]())
    said: list[Row] = field(default_factory=lambda: list[Row]())
    """Every committed event in commit order: what the checks compare with."""
    ticks: list[tuple[Tick, int]] = field(default_factory=lambda: [(FIRST_TICK, 0)])
    _next_id: int = 1
    _seen: dict[str, tuple[int, frozenset[int]]] = field(
        default_factory=lambda: dict[str, tuple[int, frozenset[int]]]()
    )

    def begin(self) -> Writing:
        writing = Writing(self.now)
        self.running.append(writing)
        return writing

    def lock(self, writing: Writing, key: str) -> bool:
        """Take the row lock of `key`, held to the transaction's end; False when another transaction has it."""
        return self.locks.setdefault(key, writing) is writing

    def append(self, writing: Writing, key: str, kind: str) -> Row:
        if writing.xid is None:
            writing.xid, self.next_xid = self.next_xid, self.next_xid + 1
        row = Row(self._next_id, writing.xid, writing.began, key, kind)
        self._next_id += 1
        writing.rows.append(row)
        self.journal.append(row)
        return row

    def commit(self, writing: Writing) -> None:
        self.said += writing.rows
        if writing.xid is not None:
            self.committed.add(writing.xid)
        self._end(writing)

    def roll_back(self, writing: Writing) -> None:
        self.journal = [row for row in self.journal if row.xid != writing.xid]
        self._end(writing)

    def _end(self, writing: Writing) -> None:
        self.running = [other for other in self.running if other is not writing]
        self.locks = {key: holder for key, holder in self.locks.items() if holder is not writing}
        self.newest_ended = max(self.newest_ended, writing.xid or 0)

    def snapshot(self) -> str:
        """`xmin:xmax:xip,…`, xmax being one more than the newest transaction that has ended, as in PostgreSQL."""
        xmax = self.newest_ended + 1
        in_progress = sorted(w.xid for w in self.running if w.xid is not None and w.xid < xmax)
        return f"{in_progress[0] if in_progress else xmax}:{xmax}:{','.join(map(str, in_progress))}"

    def is_visible(self, xid: int, snapshot: str) -> bool:
        """`pg_visible_in_snapshot`."""
        if snapshot not in self._seen:
            _, xmax, xip = snapshot.split(":")
            self._seen[snapshot] = int(xmax), frozenset(int(part) for part in xip.split(",") if part)
        xmax, in_progress = self._seen[snapshot]
        return xid < xmax and xid not in in_progress

    def _rows(self, wanted: Callable[[Row], bool]) -> Iterable[Row]:
        """Committed rows in id order."""
        return (row for row in self.journal if row.xid in self.committed and wanted(row))

    def window(self, horizon: tuple[int, list[int]], since: int) -> tuple[str, list[Row]]:
        """journal.window: a page of what became visible beyond a horizon, and the snapshot it was read in."""
        xmax, in_progress = horizon
        oldest = since - MARGIN
        rows = self._rows(lambda row: (row.xid >= xmax or row.xid in in_progress) and row.at >= oldest)
        return self.snapshot(), list(rows)[:PAGE]

    def page(self, tick: Tick) -> list[Row]:
        """journal.page: the next page of the window of a tick that was not whole."""
        return list(self._rows(lambda row: row.id > tick.upto and self._is_of(tick, row)))[:PAGE]

    def promised(self, tick: Tick) -> list[Row]:
        """journal.promised: the rows a tick covers."""
        return list(self._rows(lambda row: tick.after < row.id <= tick.upto and self._is_of(tick, row)))

    def _is_of(self, tick: Tick, row: Row) -> bool:
        return self.is_visible(row.xid, tick.snapshot) and not self.is_visible(row.xid, tick.previous)

    def save_tick(self, tick: Tick, since: int) -> bool:
        """journal.save_tick; False when its primary key is taken."""
        if tick.number != len(self.ticks):
            return False
        self.ticks.append((tick, since))
        return True
