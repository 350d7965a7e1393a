"""Mistakes planted on purpose: each must be found, or the simulation would prove nothing."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chassis import batches, lanes, ticks
from chassis.batches import Run
from chassis.lanes import Admission, Lane
from chassis.ticks import Place, Tick
from tests.simulation.decisions import Decisions, Lead
from tests.simulation.world.kafka import Kafka
from tests.simulation.world.postgres import PAGE, Postgres, Row

Horizon = Callable[[str], tuple[int, list[int]]]


def _page_by_id(postgres: Postgres, _: Horizon, lead: Lead) -> tuple[str, list[Row]]:
    """As every second outbox on the web: ids are taken for commit order."""
    committed = [row for row in postgres.journal if row.xid in postgres.committed]
    return postgres.snapshot(), [row for row in committed if row.id > lead.tick.upto][:PAGE]


def _promised_by_id(postgres: Postgres, tick: Tick) -> list[Row]:
    return [row for row in postgres.journal if row.xid in postgres.committed and tick.after < row.id <= tick.upto]


def _after_the_last(last: Tick, *_: Any, **__: Any) -> Tick:
    return replace(ticks.follow(last, *_, **__), after=last.upto)


def _always_whole(
    last: Tick, snapshot: str, ids: Sequence[int], partitions: Sequence[int], *, width: int, whole: bool
) -> Tick:
    return ticks.follow(last, snapshot, ids, partitions, width=width, whole=True)


def _from_the_logs_end(tick: Tick, kafka: Kafka) -> Tick:
    ends = [max((record.number for record in log if record), default=0) for log in kafka.logs]
    return replace(tick, before=tuple(ends[: len(tick.before)]))


def _opened_by_its_page(_: int, read_at: int, *, continues: bool) -> int:
    return read_at


def _places_as_wide_as_needed(tick: Tick, partitions: Sequence[int]) -> list[Place]:
    return ticks.places(replace(tick, before=ticks.grown(tick.before, max(partitions) + 1)), partitions)


def _skip_holes(lane: Lane, offsets: Sequence[int], numbers: Sequence[int]) -> Admission:
    taken = [index for index, number in enumerate(numbers) if number > max([lane.seen, *numbers[:index]])]
    return Admission(Lane(max([lane.seen, *numbers])), tuple(taken), len(numbers) - len(taken))


def _take_repeats(lane: Lane, offsets: Sequence[int], numbers: Sequence[int]) -> Admission:
    admission = lanes.admit(lane, offsets, numbers)
    taken = [index for index, number in enumerate(numbers) if number <= admission.lane.seen]
    return replace(admission, taken=tuple(taken))


def _never_rewind(lane: Lane, offsets: Sequence[int], numbers: Sequence[int]) -> Admission:
    return replace(lanes.admit(lane, offsets, numbers), rewind=None)


def _rewind_to_zero_is_false(admission: Admission, next_offset: int, committable: Callable[[Lane, int], int]) -> int:
    return admission.rewind or committable(admission.lane, next_offset)


def _one_run_a_kind(items: Any, kind_of: Callable[[Any], str], _: Callable[[Any], str]) -> list[Run[Any, Any]]:
    return list(batches.runs(items, kind_of, lambda item: str(id(item))))


BUGS: dict[str, Decisions] = {
    # the producer
    "no-row-lock": Decisions(locks_rows=False),
    "publish-before-promise": Decisions(promises_first=False),
    "cursor-by-id": Decisions(next_page=_page_by_id, promised=_promised_by_id, follow=_after_the_last),
    "bare-limit": Decisions(follow=_always_whole),
    "in-progress-forgotten": Decisions(horizon=lambda snapshot: (ticks.horizon(snapshot)[0], [])),
    "window-since-its-last-page": Decisions(opened=_opened_by_its_page),
    "repeat-renumbered": Decisions(resumed=_from_the_logs_end),
    "growth-unsaved": Decisions(width_of=lambda _, kafka: len(kafka.logs), places=_places_as_wide_as_needed),
    "shrunk-by-stale-metadata": Decisions(width=lambda seen, _: seen),
    # the reader
    "watermark-unfenced": Decisions(is_unmoved=lambda _, __: True),
    "repeats-taken": Decisions(admit=_take_repeats),
    "hole-skipped": Decisions(admit=_skip_holes),
    "offset-beyond-hole": Decisions(committable=lambda _, next_offset: next_offset),
    "no-rewind": Decisions(admit=_never_rewind),
    "rewind-to-zero-is-false": Decisions(offset_after=_rewind_to_zero_is_false),
    "lanes-forgotten-without-rewind": Decisions(forgets_after_refusal=True),
    "failed-rewind-passed-over": Decisions(ends_after_failed_rewind=False),
    "offset-before-what-is-owed": Decisions(writes_what_is_owed=False),
    "owed-forgotten": Decisions(followed=lambda _, moves: moves),
    # batches and parking
    "one-run-a-kind": Decisions(runs=_one_run_a_kind),
    "halves-swapped": Decisions(halves=lambda items: (items[len(items) // 2 :], items[: len(items) // 2])),
    "parked-key-ignored": Decisions(split=lambda items, _, __: (list(items), [])),
    "redrive-out-of-order": Decisions(in_order=lambda parked: parked[::-1]),
    "resend-looks-elsewhere": Decisions(covers=lambda tick, partition, first, last: tick.number % 2 == 0),
}
