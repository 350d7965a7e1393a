"""Does it add up? Two accounts, of the databases and of the topics, compared stage by stage. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from console.tally import Account, Key, Stage

MOVES: tuple[tuple[str, Stage], ...] = (("  routed to a department", "routed"), ("  in triage", "triaged"))
OUTCOMES: tuple[Stage, ...] = ("accepted-submissions", "repeated", "rejected")
ENDS: tuple[tuple[str, Stage], ...] = (("  withheld: no address", "withheld"), ("  failed for good", "failed"))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `wrong` says what does not add up."""

    what: str
    databases: int | None
    topics: int | None
    wrong: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mail:
    """What the mail catcher holds: receipts found among those sent, all mails, and deliveries that came again."""

    receipts: frozenset[Key]
    mails: int
    announced: int
    duplicates: int


def rows(books: Account, tapes: Account, mail: Mail | None) -> Iterator[Row]:
    """The table, in the order in which things happen."""
    yield _read(books, tapes)
    yield _same("  accepted", books, tapes, ("accepted-submissions",))
    yield Row("  repeated", len(books.stages["repeated"].keys), None, note="the same application under another id")
    yield _same("  rejected", books, tapes, ("rejected",), note=_reasons(books))
    yield _same("applications accepted", books, tapes, ("accepted",))
    yield from _follow(books, tapes)
    yield from _notices(books, tapes)
    if mail is not None:
        yield _mailed(books, mail)
        yield Row(
            "mails in the catcher, all kinds", mail.mails, mail.announced, _mails(mail), f"{mail.duplicates} came again"
        )
    yield from _archived(books, tapes)
    yield from _lanes(books, tapes)


def adds_up(table: Sequence[Row]) -> bool:
    """Whether no row is wrong."""
    return all(row.wrong is None for row in table)


def _read(books: Account, tapes: Account) -> Row:
    database, topic = books.keys("read"), _published(tapes)
    over_http = len(database - topic) if tapes.complete else 0
    wrong = _missing(topic, database, "not taken in yet") or _parts(books)
    return Row(
        "rows read",
        len(database),
        len(topic),
        wrong,
        f"{over_http:,} of them over HTTP or a topic that is gone" if over_http else "",
    )


def _published(tapes: Account) -> set[Key]:
    """What was read of the channels' topics, by source and id, and each further content under them that intake has refused.

    Contents cannot be told apart on the topic itself: a seal has other bytes every time.
    """
    read = tapes.keys("read")
    return read | {key for key in tapes.keys("rejected") if isinstance(key, tuple) and key[:2] in read}


def _parts(books: Account) -> str | None:
    """Every row that was read is exactly one of the three."""
    parts = [books.keys(outcome) for outcome in OUTCOMES]
    twice = {key for one, other in combinations(parts, 2) for key in one & other}
    return _missing(books.keys("read"), set[Key]().union(*parts), "without an outcome") or _missing(
        twice, set(), "with more than one outcome"
    )


def _same(what: str, books: Account, tapes: Account, stages: tuple[Stage, ...], note: str = "") -> Row:
    database, topic = books.keys(*stages), tapes.keys(*stages)
    wrong = _twice(books, tapes, stages)
    if wrong is None and tapes.complete:
        wrong = _missing(database, topic, "not on the topic") or _missing(topic, database, "not in the database")
    return Row(what, len(database), len(topic), wrong, note)


def _twice(books: Account, tapes: Account, stages: tuple[Stage, ...]) -> str | None:
    for side, account in (("in the database", books), ("on the topic", tapes)):
        if twice := account.twice(*stages):
            return f"{twice:,} twice {side}"
    return None


def _follow(books: Account, tapes: Account) -> Iterator[Row]:
    """Every accepted application has a case, and every case is in the desk."""
    accepted = books.keys("accepted")
    cases = _same("cases (routed + in triage)", books, tapes, ("cases",))
    yield _and(cases, _missing(accepted, books.keys("routed", "triaged"), "not routed yet"))
    for what, stage in MOVES:
        moved = "" if books.keys(stage) == tapes.keys(stage) else "the topic counts first decisions"
        yield Row(what, len(books.keys(stage)), len(tapes.keys(stage)), note=moved)
    desk = books.keys("in-desk")
    wrong = (
        _missing(accepted, desk, "not in the desk yet")
        or _missing(desk, accepted, "never accepted")
        or _missing(books.keys("cases"), books.keys("desk-cases"), "cases not in the desk yet")
    )
    yield Row("in the desk", len(desk), None, wrong)


def _notices(books: Account, tapes: Account) -> Iterator[Row]:
    accepted, noticed = books.keys("accepted"), books.keys("queued", "sent", "failed", "withheld")
    wrong = _missing(accepted, noticed, "without a notice") or _missing(noticed, accepted, "never accepted")
    on_topic = len(tapes.keys("queued", "withheld"))
    yield Row("receipt notices", len(noticed), on_topic, wrong or _twice(books, tapes, ("sent", "withheld", "failed")))
    yield _and(_same("  sent", books, tapes, ("sent",)), _waiting(len(books.keys("queued"))))
    for what, stage in ENDS:
        yield _same(what, books, tapes, (stage,))


def _waiting(count: int) -> str | None:
    return f"{count:,} wait to be sent" if count else None


def _mailed(books: Account, mail: Mail) -> Row:
    sent = books.keys("sent")
    wrong = _missing(sent, set(mail.receipts), "not in the mail folder")
    return Row("receipts in the mail folder", len(sent), len(mail.receipts), wrong, "each Message-ID once")


def _mails(mail: Mail) -> str | None:
    return None if mail.mails >= mail.announced else f"{mail.announced - mail.mails:,} are missing"


def _archived(books: Account, tapes: Account) -> Iterator[Row]:
    yield _same("events kept by the archive", books, tapes, ("events",))
    yield _same("refusals kept by the archive", books, tapes, ("refusals",))
    closed = books.keys("closed")
    wrong = _missing(closed, books.keys("sealed"), "not sealed yet")
    yield Row("applications closed", len(closed), len(tapes.keys("closed")), wrong)
    yield _same("records sealed", books, tapes, ("sealed",))


def _lanes(books: Account, tapes: Account) -> Iterator[Row]:
    behind = [
        f"{topic}/{partition}: {last:,} numbered, {tapes.highest.get((topic, partition), 0):,} published"
        for (topic, partition), last in sorted(books.highest.items())
        if last != tapes.highest.get((topic, partition), 0) and tapes.complete
    ]
    faults = [*behind, *books.faults, *tapes.faults]
    total, published = sum(books.highest.values()), sum(tapes.highest.values())
    note = f"{tapes.repeats:,} repeated on the topics" if tapes.complete else "the topics have begun to forget"
    yield Row("events numbered, published, seen by all", total, published, "; ".join(faults) or None, note)


def _missing(wanted: set[Key], found: set[Key], words: str) -> str | None:
    missing = wanted - found
    return f"{len(missing):,} {words}, e.g. {_name(min(missing, key=str))}" if missing else None


def _name(key: Key) -> str:
    return " ".join(key) if isinstance(key, tuple) else str(key)


def _and(row: Row, wrong: str | None) -> Row:
    both = "; ".join(words for words in (row.wrong, wrong) if words)
    return Row(row.what, row.databases, row.topics, both or None, row.note)


def _reasons(books: Account) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in sorted(books.reasons.items()))
