"""Why a command is not carried out, in words that say what to do instead. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One thing said in Japanese and in English."""

    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is not carried out: a stable code, and words that say what to do instead."""

    code: str
    words: Words


CLAIM_FIRST = Refusal(
    "claim-first", Words("先にこの案件の担当をお引き受けください。", "Nobody has this case: claim it first.")
)
CLAIMED_BY_ANOTHER = Refusal(
    "claimed-by-another",
    Words(
        "この案件は他の職員が担当しております。その職員に引継ぎをご依頼ください。",
        "A colleague has this case: ask them to hand it over.",
    ),
)
CORRECTION_AWAITED = Refusal(
    "correction-awaited",
    Words(
        "すでに補正をお願いしております。補正が届くまでお待ちください。",
        "A correction is already asked for: wait until it comes.",
    ),
)
RETURNED = Refusal(
    "waiting-for-routing",
    Words(
        "担当課を確認し直しております。担当課が決まるまでお待ちください。",
        "The case was returned: wait until a department is responsible for it.",
    ),
)
DECIDE_FIRST = Refusal(
    "decide-first", Words("先に審査の結果をご登録ください。", "The case is not decided: record the decision first.")
)
DECIDED = Refusal(
    "already-decided",
    Words(
        "審査の結果は登録済みです。この案件を完了してください。",
        "The case is decided: all that is left is to close it.",
    ),
)
CLOSED = Refusal(
    "case-closed",
    Words("この案件は完了しているため、操作できません。", "The case is closed: nothing more can be done with it."),
)
TO_SELF = Refusal(
    "handover-to-self",
    Words("引継ぎ先には他の職員をご指定ください。", "Name a colleague to hand the case over to."),
)
UNTIL_PAST = Refusal(
    "until-past", Words("補正の期限には本日以降の日付をご指定ください。", "`until` is past: name today or a later day.")
)
NO_LATER = Refusal(
    "extends-nothing",
    Words("今の期限より後の日付をご指定ください。", "`until` is no later than the present last day: name a later day."),
)
TOO_FAR = Refusal(
    "extends-too-far",
    Words(
        "期限の延長は十年以内の日付をご指定ください。年をお確かめください。",
        "`until` is more than ten years ahead: look at the year.",
    ),
)
DEADLINE_PASSED = Refusal(
    "deadline-passed",
    Words(
        "期限を過ぎているため、延長できません。延長の通知は期限までに行う必要があります。",
        "The deadline has passed: notice of an extension must be given before it is over.",
    ),
)
NO_SUCH_STAGE = Refusal(
    "no-such-stage",
    Words(
        "この手続きにその段階はありません。段階の名前をお確かめください。",
        "The procedure has no such stage: look at its name.",
    ),
)
STAGE_ENDED = Refusal(
    "stage-ended-already",
    Words("この段階はすでに終わっております。", "The stage has ended already: there is nothing to do."),
)
STAGE_WAITS = Refusal(
    "stage-waits",
    Words(
        "前の段階がまだ終わっておりません。先にその段階を終えてください。",
        "A stage that this one waits for has not ended: end that one first.",
    ),
)
