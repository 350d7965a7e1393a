"""The timeline: what the citizen reads of an application's way, in Japanese, やさしい日本語 and English. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.intake.rules import CLOSING, Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened. `cases` is of how many cases `case_id` is one, None for the only one."""

    at: datetime
    type: str
    department: str | None = None
    due_on: date | None = None
    case_id: UUID | None = None
    cases: int | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """One thing said three ways: Japanese, やさしい日本語, English."""

    ja: str
    easy: str
    en: str


MASKED = "jp.madoguchi.application.individual-number-masked.v1"
"""A step that is no event of its own: the event that says what was accepted says it too."""

TIMELINE: Mapping[str, Words] = {
    "application.accepted": Words(
        "申請を受け付けました。", "申(もう)し込(こ)みを 受(う)け取(と)りました。", "We have received your application."
    ),
    "application.correction-accepted": Words(
        "補正を受け付けました。", "足(た)りないものを 受(う)け取(と)りました。", "We have received your correction."
    ),
    "application.withdrawal-accepted": Words(
        "取下げを受け付けました。", "申(もう)し込(こ)みを やめました。", "Your application is withdrawn."
    ),
    "application.individual-number-masked": Words(
        "個人番号（マイナンバー）が記入されておりましたので、読めないようにして受け付けました。",
        "マイナンバーが 書(か)いて ありました。読(よ)めないように しました。",
        "An Individual Number (My Number) was written in it; we have made it unreadable.",
    ),
    "case.opened": Words(
        "担当課が決まりました。",
        "担当(たんとう)の 課(か)が 決(き)まりました。",
        "A department is responsible for your application.",
    ),
    "case.rerouted": Words(
        "担当課が変わりました。",
        "担当(たんとう)の 課(か)が 変(か)わりました。",
        "Another department is responsible now.",
    ),
    "case.sent-to-triage": Words(
        "担当課を確認しております。",
        "担当(たんとう)の 課(か)を さがしています。",
        "We are finding the responsible department.",
    ),
    "case.claimed": Words(
        "担当者が確認を始めました。",
        "担当(たんとう)の 人(ひと)が 見(み)ています。",
        "Somebody is working on your application.",
    ),
    "case.handed-over": Words(
        "担当者が交代しました。", "担当(たんとう)の 人(ひと)が 変(か)わりました。", "A colleague has taken over."
    ),
    "case.correction-requested": Words(
        "補正をお願いしております。", "足(た)りないものが あります。", "Something is missing; we have asked you for it."
    ),
    "case.extended": Words(
        "審査に日数を要するため、期限を延長いたしました。",
        "もう少(すこ)し 時間(じかん)が かかります。決(き)める日(ひ)が 遅(おそ)く なりました。",
        "We need more time and have extended the deadline.",
    ),
    "case.stage-ended": Words(
        "審査が一段階進みました。",
        "調(しら)べることが ひとつ 終(お)わりました。",
        "One stage of the examination is complete.",
    ),
    "case.deadline-moved": Words(
        "審査の期限を数え直しました。",
        "いつまでに 決(き)めるかを もう一度(いちど) 数(かぞ)えました。",
        "We have counted again until when we must decide.",
    ),
    "case.returned": Words(
        "担当課を確認し直しております。",
        "担当(たんとう)の 課(か)を もう一度(いちど) さがしています。",
        "We are checking which department is responsible.",
    ),
    "case.decided": Words("審査が終わりました。", "決(き)まりました。", "A decision has been made."),
    "case.closed": Words("手続きが完了しました。", "終(お)わりました。", "Your application is complete."),
    "notice.queued": Words(
        "お知らせを準備しております。",
        "お知(し)らせを 準備(じゅんび)しています。",
        "A notice to you is being prepared.",
    ),
    "notice.sent": Words(
        "お知らせをお送りしました。", "お知(し)らせを 送(おく)りました。", "We have sent you a notice."
    ),
    "notice.failed": Words(
        "お知らせをお届けできませんでした。",
        "お知(し)らせが 届(とど)きませんでした。",
        "A notice could not be delivered.",
    ),
    "notice.withheld": Words(
        "送付先がないため、お知らせはお送りしておりません。",
        "送(おく)り先(さき)が ないので、お知(し)らせは 送(おく)りません。",
        "No notice was sent: we have no address.",
    ),
    "record.sealed": Words("記録を保存しました。", "記録(きろく)を しまいました。", "The record is archived."),
    "record.disposed": Words(
        "保存期間が満了し、記録を廃棄しました。",
        "記録(きろく)を すてました。",
        "The record was disposed of at the end of its retention.",
    ),
}
DEADLINE_MOVED = "jp.madoguchi.case.deadline-moved.v1"
STANDS_STILL = Words(
    "補正をお待ちする間、審査の期間には数えません。",
    "足(た)りないものが 届(とど)くまでの 日(ひ)は、数(かぞ)えません。",
    "The days until your correction comes do not count.",
)
ENDED_BY_WITHDRAWAL = Words(
    "取下げにより手続きを終了しました。",
    "申(もう)し込(こ)みを やめたので、手続(てつづ)きを 終(お)わりにしました。",
    "The work on your application has ended because it was withdrawn.",
)


_OWN: Mapping[str, str] = {
    "correction": "jp.madoguchi.application.correction-accepted.v1",
    "withdrawal": "jp.madoguchi.application.withdrawal-accepted.v1",
}
"""An application has none: its timeline begins with it."""


def own_steps(at: datetime, verdict: Verdict, kind: str, *, masked: bool) -> list[tuple[UUID | str, Step]]:
    """What intake itself says of a submission of this kind on the timeline of its application, nothing of one that is not accepted."""
    if verdict.outcome != "accepted":
        return []
    types = [*filter(None, [_OWN.get(kind)]), *([MASKED] if masked else ())]
    return [(verdict.application.application_id, Step(at, each)) for each in types]


def tell(steps: Sequence[Step]) -> list[Words]:
    """The words for each step, oldest first.

    Of an application that concerns several departments only the last closing is the end; those before say how far it is.
    """
    cases = max((step.cases or 1 for step in steps), default=1)
    closed: set[UUID | None] = set()
    told: list[Words] = []
    for step in steps:
        closed.update([step.case_id] if step.type == CLOSING else [])
        told.append(_words_of(step, len(closed), cases))
    return told


def _words_of(step: Step, closed: int, cases: int) -> Words:
    if step.type == CLOSING and step.cause == "withdrawn":
        return ENDED_BY_WITHDRAWAL
    if step.type == DEADLINE_MOVED and step.due_on is None:
        return STANDS_STILL
    return _part(closed, cases) if step.type == CLOSING and closed < cases else words_of(step.type)


def _part(closed: int, cases: int) -> Words:
    return Words(
        f"{cases}件の手続きのうち{closed}件が完了しました。",
        f"{cases}件(けん)の 手続(てつづ)きの うち {closed}件(けん)が 終(お)わりました。",
        f"{closed} of the {cases} parts of your application {'is' if closed == 1 else 'are'} complete.",
    )


def words_of(event_type: str) -> Words:
    """The timeline's words for a CloudEvents type `jp.madoguchi.<subject>.<what>.v1`."""
    name = event_type.removeprefix("jp.madoguchi.").rsplit(".", 1)[0]
    return TIMELINE.get(name, Words("手続きが進みました。", "進(すす)みました。", "There is progress."))
