"""Why a department is responsible, why nobody is yet, and why another is not: in words, for staff and for citizens.

Citizens are told of facts and conditions; staff of the rules by name as well.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.routing.rules.explaining import Explanation
from services.routing.rules.phrasing import Language, Speech
from services.routing.rules.refusing import Condition, Failed, Refusal

Audience = Literal["staff", "citizen"]
Said = Literal[
    "decided",
    "without-conditions",
    "no-match",
    "missing",
    "conflict",
    "refused",
    "outranked",
    "unkept",
    "no-rule",
    "if",
    "held-too",
    "otherwise",
]

COMMA: Mapping[Language, str] = {"ja": "、", "ja-easy": "、", "en": ", "}
FACT: Mapping[Language, str] = {"ja": "{name}：{fact}", "ja-easy": "{name}： {fact}", "en": "{name}: {fact}"}
FAILED: Mapping[Language, str] = {
    "ja": "{name}は「{asks}」が条件ですが、「{fact}」でした",
    "ja-easy": "{name}が「{asks}」の ときだけ します。今(いま)は「{fact}」です",
    "en": "{name} must be “{asks}” but is “{fact}”",
}
APART: Mapping[Language, str] = {"ja": "", "ja-easy": "", "en": " "}
BETWEEN: Mapping[Language, str] = {"ja": "。", "ja-easy": "。", "en": "; "}
WORDS: Mapping[tuple[Said, Audience, Language], str] = {
    ("decided", "citizen", "ja"): "お申し出の内容（{facts}）により、{department}が担当いたします。",
    ("decided", "citizen", "ja-easy"): "あなたの 手続(てつづ)きは、{department}が します。わけ（{facts}）。",
    (
        "decided",
        "citizen",
        "en",
    ): "{department} is responsible for your application because of what you told us ({facts}).",
    ("decided", "staff", "ja"): "規則「{rules}」により、{department}の担当です（{facts}）。",
    ("decided", "staff", "ja-easy"): "きまり「{rules}」で、{department}が 担当(たんとう)です（{facts}）。",
    ("decided", "staff", "en"): "Rule {rules} makes {department} responsible ({facts}).",
    ("without-conditions", "citizen", "ja"): "{department}が担当いたします。",
    ("without-conditions", "citizen", "ja-easy"): "あなたの 手続(てつづ)きは、{department}が します。",
    ("without-conditions", "citizen", "en"): "{department} is responsible for your application.",
    ("without-conditions", "staff", "ja"): "規則「{rules}」により、条件なしで{department}の担当です。",
    ("without-conditions", "staff", "ja-easy"): "きまり「{rules}」で、いつも {department}が 担当(たんとう)です。",
    ("without-conditions", "staff", "en"): "Rule {rules} makes {department} responsible without any condition.",
    (
        "no-match",
        "citizen",
        "ja",
    ): "担当する課を職員が確認しております。決まるまで、しばらくお待ちくださいますようお願いいたします。",
    ("no-match", "citizen", "ja-easy"): (
        "どの 課(か)が するか、市役所(しやくしょ)の 人(ひと)が 調(しら)べています。少(すこ)し 待(ま)ってください。"
    ),
    (
        "no-match",
        "citizen",
        "en",
    ): "Our staff are finding out which department is responsible. We ask for a little patience.",
    ("no-match", "staff", "ja"): "どの規則にも当てはまりませんでした（{facts}）。担当課を決めてください。",
    (
        "no-match",
        "staff",
        "ja-easy",
    ): "どの きまりにも 合(あ)いませんでした（{facts}）。担当(たんとう)の 課(か)を 決(き)めてください。",
    ("no-match", "staff", "en"): "No rule holds ({facts}). Please decide which department is responsible.",
    ("missing", "citizen", "ja"): (
        "{missing}が確認できないため、担当する課を職員が確認しております。"
        "おうかがいすることがございましたら、こちらからご連絡いたします。"
    ),
    ("missing", "citizen", "ja-easy"): (
        "{missing}が わかりません。どの 課(か)が するか、市役所(しやくしょ)の 人(ひと)が 調(しら)べています。"
        "聞(き)きたいことが あるときは、連絡(れんらく)します。"
    ),
    ("missing", "citizen", "en"): (
        "We could not establish: {missing}. Our staff are finding out which department is responsible and will contact you "
        "if they have a question."
    ),
    (
        "missing",
        "staff",
        "ja",
    ): "{missing}が不明のため、規則で決められませんでした（{facts}）。確認のうえ、担当課を決めてください。",
    ("missing", "staff", "ja-easy"): (
        "{missing}が わからないので、きまりで 決(き)められませんでした（{facts}）。担当(たんとう)の 課(か)を 決(き)めてください。"
    ),
    (
        "missing",
        "staff",
        "en",
    ): "Without {missing} the rules cannot decide ({facts}). Please find it out and decide which department is responsible.",
    (
        "conflict",
        "staff",
        "ja",
    ): "規則「{rules}」の判断が食い違いました（{facts}）。担当課を決め、規則表の修正を依頼してください。",
    ("conflict", "staff", "ja-easy"): (
        "きまり「{rules}」の 答(こた)えが ちがいます（{facts}）。担当(たんとう)の 課(か)を 決(き)めてください。"
        "きまりの 表(ひょう)も 直(なお)してもらって ください。"
    ),
    ("conflict", "staff", "en"): (
        "The rules {rules} contradict each other ({facts}). Please decide which department is responsible and have the table corrected."
    ),
    ("refused", "citizen", "ja"): "{department}の担当とならなかった理由は、次のとおりです。{failed}。",
    ("refused", "citizen", "ja-easy"): "{department}は この 手続(てつづ)きを しません。わけ：{failed}。",
    ("refused", "citizen", "en"): "{department} is not responsible: {failed}.",
    (
        "refused",
        "staff",
        "ja",
    ): "規則「{rules}」が当てはまらなかったため、{department}の担当になりませんでした。{failed}。",
    (
        "refused",
        "staff",
        "ja-easy",
    ): "きまり「{rules}」に 合(あ)わないので、{department}は 担当(たんとう)では ありません。{failed}。",
    ("refused", "staff", "en"): "Rule {rules} does not make {department} responsible: {failed}.",
    (
        "outranked",
        "citizen",
        "ja",
    ): "{department}よりも優先される担当課があるため、{department}の担当となりませんでした。",
    (
        "outranked",
        "citizen",
        "ja-easy",
    ): "ほかの 課(か)が 先(さき)なので、{department}は この 手続(てつづ)きを しません。",
    ("outranked", "citizen", "en"): "{department} is not responsible because another department comes first.",
    (
        "outranked",
        "staff",
        "ja",
    ): "規則「{rules}」も当てはまりましたが、規則「{in_the_way}」があるため、{department}の担当になりませんでした。",
    ("outranked", "staff", "ja-easy"): (
        "きまり「{rules}」も 合(あ)いましたが、きまり「{in_the_way}」が あるので、{department}は 担当(たんとう)では ありません。"
    ),
    (
        "outranked",
        "staff",
        "en",
    ): "Rule {rules} holds too, but {in_the_way} stands in its way: {department} is not responsible.",
    ("unkept", "citizen", "ja"): (
        "{department}が担当いたしますのは、{conditions}の場合です。"
        "すべてには当てはまらなかったか、優先される担当課がございました。"
    ),
    ("unkept", "citizen", "ja-easy"): (
        "{department}が するのは、{conditions}の ときです。ぜんぶは 合(あ)わないか、ほかの 課(か)が 先(さき)でした。"
    ),
    ("unkept", "citizen", "en"): (
        "{department} is responsible where {conditions}: not all of this was so, or another department came first."
    ),
    ("unkept", "staff", "ja"): (
        "規則「{rules}」の条件（{conditions}）のすべてには当てはまらなかったか、ほかの規則が優先されたため、{department}の担当になりませんでした。"
    ),
    ("unkept", "staff", "ja-easy"): (
        "きまり「{rules}」の 条件(じょうけん)（{conditions}）に ぜんぶは 合(あ)わないか、ほかの きまりが 先(さき)なので、{department}は 担当(たんとう)では ありません。"
    ),
    ("unkept", "staff", "en"): (
        "Rule {rules} asks for {conditions}: not all of it was so, or another rule came first. {department} is not responsible."
    ),
    ("no-rule", "citizen", "ja"): "このような手続きは、{department}では担当しておりません。",
    ("no-rule", "citizen", "ja-easy"): "この 手続(てつづ)きは、{department}では しません。",
    ("no-rule", "citizen", "en"): "{department} is not responsible for procedures of this kind.",
    ("no-rule", "staff", "ja"): "{department}を担当とする規則はありません。",
    ("no-rule", "staff", "ja-easy"): "{department}を 担当(たんとう)に する きまりは ありません。",
    ("no-rule", "staff", "en"): "There is no rule that makes {department} responsible.",
    ("if", "citizen", "ja"): (
        "{name}が「{asks}」の場合は、{department}が担当いたします。お申し出の内容と異なるときは、お知らせください。"
    ),
    ("if", "citizen", "ja-easy"): (
        "{name}が「{asks}」なら、{department}が します。書(か)いたことが ちがうときは、知(し)らせてください。"
    ),
    ("if", "citizen", "en"): (
        "If {name} is “{asks}”, {department} is responsible: please tell us if what you stated is not right."
    ),
    ("if", "staff", "ja"): "{name}が「{asks}」であれば、規則「{rule}」により{department}の担当となります。",
    ("if", "staff", "ja-easy"): "{name}が「{asks}」なら、きまり「{rule}」で、{department}が 担当(たんとう)です。",
    ("if", "staff", "en"): "If {name} were “{asks}”, rule {rule} would make {department} responsible.",
    ("held-too", "staff", "ja"): "規則「{rule}」（{department}）も当てはまりましたが、優先されません。",
    (
        "held-too",
        "staff",
        "ja-easy",
    ): "きまり「{rule}」（{department}）も 合(あ)いましたが、ほかの きまりが 先(さき)です。",
    ("held-too", "staff", "en"): "Rule {rule} ({department}) holds too, but does not come first.",
    ("otherwise", "staff", "ja"): "そのほかの場合は、規則「{rule}」により{department}の担当となります。",
    (
        "otherwise",
        "staff",
        "ja-easy",
    ): "ほかの ときは、きまり「{rule}」で、{department}が 担当(たんとう)です。",
    ("otherwise", "staff", "en"): "Otherwise rule {rule} makes {department} responsible.",
}
MOST_SAID = 2
"""Of how many rows that nearly decided is spoken; where a fact is missing, of all that are stored."""


@dataclass(frozen=True, slots=True)
class Nearly:
    """A row that nearly decided, and for whom: `failed` is the input that should have been as `asked` (S-FEEL), None where it held."""

    rule: str
    department: str
    failed: str | None
    asked: str | None


def say_decision(explanation: Explanation, department: str, speech: Speech, audience: Audience) -> str:
    """Why `department` is responsible."""
    verdict = explanation.verdict
    said: Said = "decided" if verdict.asked else "without-conditions"
    return WORDS[said, audience, speech.language].format(
        department=speech.call(department),
        rules=_listed(verdict.decided, speech),
        facts=_facts(explanation, speech),
    )


def say_nearest(
    nearest: Sequence[Nearly], department: str | None, speech: Speech, audience: Audience, *, missing: bool = False
) -> str:
    """Who would have been responsible instead of `department`, and which one answer would have had to be another.

    Citizens are told of one such answer, in case theirs was not right; nothing when a fact is `missing`, for then they are asked.
    """
    others = {one.department: one for one in reversed(nearest) if one.department != department}
    told = [one for one in nearest if others.get(one.department) is one]
    if audience == "citizen":
        told = [] if missing else [one for one in told if one.failed][:1]
    said = (_nearly(one, speech, audience, missing=missing) for one in (told if missing else told[:MOST_SAID]))
    return APART[speech.language].join(said)


def _nearly(one: Nearly, speech: Speech, audience: Audience, *, missing: bool) -> str:
    said: Said = "if" if one.failed else "otherwise" if missing else "held-too"
    return WORDS[said, audience, speech.language].format(
        rule=one.rule,
        department=speech.call(one.department),
        name=speech.call(one.failed or ""),
        asks=speech.condition(one.asked or "-"),
    )


def say_triage(explanation: Explanation, missing: Sequence[str], speech: Speech, audience: Audience) -> str:
    """Why no rule could decide and a person does: rules in conflict, a fact that is missing, or no rule that holds."""
    verdict = explanation.verdict
    said: Said = "conflict" if verdict.conflict else "missing" if missing else "no-match"
    if said == "conflict" and audience == "citizen":
        said = "no-match"  # that the city's rules contradict each other is nothing that a citizen could do about
    return WORDS[said, audience, speech.language].format(
        rules=_listed(verdict.held, speech),
        facts=_facts(explanation, speech),
        missing=_listed(map(speech.call, missing), speech),
    )


def say_refusal(refusals: Sequence[Refusal], department: str, speech: Speech, audience: Audience) -> str:
    """Why `department` is not responsible: by the rule that was nearest. `refusals` are those that refusing.why_not found."""
    nearest = refusals[0] if refusals else Refusal("", ())
    said: Said = "refused" if nearest.failed else "unkept" if nearest.unkept else "outranked" if refusals else "no-rule"
    return WORDS[said, audience, speech.language].format(
        department=speech.call(department),
        rules=nearest.rule,
        failed=BETWEEN[speech.language].join(_failed(one, speech) for one in nearest.failed),
        in_the_way=_listed(nearest.in_the_way, speech),
        conditions=_listed((_condition(one, speech) for one in nearest.unkept), speech),
    )


def _condition(one: Condition, speech: Speech) -> str:
    return FACT[speech.language].format(name=speech.call(one.clause), fact=speech.condition(one.asks))


def _facts(explanation: Explanation, speech: Speech) -> str:
    asked = explanation.verdict.asked
    named = ((speech.call(name), speech.fact(explanation.inputs.get(name))) for name in asked)
    return _listed((FACT[speech.language].format(name=name, fact=fact) for name, fact in named), speech)


def _failed(failed: Failed, speech: Speech) -> str:
    return FAILED[speech.language].format(
        name=speech.call(failed.clause), asks=speech.condition(failed.asks), fact=speech.fact(failed.fact)
    )


def _listed(words: Iterable[str], speech: Speech) -> str:
    return COMMA[speech.language].join(words)
