"""What a mail says, in three registers, and its exact bytes. Pure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from uuid import UUID

from services.notify.rules import Kind, Language, Letter

JAPAN = timezone(timedelta(hours=9))


@dataclass(frozen=True, slots=True)
class Words:
    """One mail: `subject`, which the receipt number follows, and `body`."""

    subject: str
    body: str


WORDS: Mapping[tuple[Kind, Language], Words] = {
    ("receipt", "ja"): Words(
        "申請を受け付けました　受付番号",
        "このたびは申請をお送りいただき、ありがとうございます。\n"
        "下記のとおり受け付けました。\n\n"
        "受付番号：{receipt}\n\n"
        "今後のお知らせも、このメールアドレスへお送りいたします。\n"
        "お問い合わせの際は、この受付番号をお知らせください。\n",
    ),
    ("receipt", "ja-easy"): Words(
        "申(もう)し込(こ)みを 受(う)け取(と)りました 番号(ばんごう)",
        "申(もう)し込(こ)みを 送(おく)ってくれて、ありがとうございます。\n"
        "市役所(しやくしょ)が 受(う)け取(と)りました。\n\n"
        "あなたの 番号(ばんごう)： {receipt}\n\n"
        "これからの お知(し)らせも、この メールアドレスに 送(おく)ります。\n"
        "質問(しつもん)が あるときは、この 番号(ばんごう)を 教(おし)えてください。\n",
    ),
    ("receipt", "en"): Words(
        "We have received your application",
        "Thank you for your application. We have received it.\n\n"
        "Receipt number: {receipt}\n\n"
        "We will send further notices to this address.\n"
        "If you have a question, please give us this number.\n",
    ),
    ("correction", "ja"): Words(
        "申請の補正をお願いいたします　受付番号",
        "お送りいただいた申請について、次のとおり補正（追加や訂正）をお願いいたします。\n\n"
        "受付番号：{receipt}\n"
        "期限：{until}まで\n"
        "補正をお願いしたい内容：\n{wanted}\n\n"
        "お手数をおかけいたしますが、期限までにご対応くださいますようお願いいたします。\n"
        "ご不明な点がございましたら、受付番号をお知らせのうえ、お問い合わせください。\n",
    ),
    ("correction", "ja-easy"): Words(
        "足(た)りないものが あります 番号(ばんごう)",
        "あなたの 申(もう)し込(こ)みに、足(た)りないもの または まちがいが あります。\n\n"
        "あなたの 番号(ばんごう)： {receipt}\n"
        "いつまで： {until}までに 送(おく)ってください。\n"
        "送(おく)ってほしいもの・直(なお)してほしいところ：\n{wanted}\n\n"
        "わからないときは、番号(ばんごう)を 言(い)って、市役所(しやくしょ)に 聞(き)いてください。\n",
    ),
    ("correction", "en"): Words(
        "Something is missing from your application",
        "Something in your application is missing or needs to be corrected.\n\n"
        "Receipt number: {receipt}\n"
        "Please reply by: {until}\n"
        "What we need from you:\n{wanted}\n\n"
        "If anything is unclear, please contact us and give us your receipt number.\n",
    ),
    ("extension", "ja"): Words(
        "審査の期限を延長いたします　受付番号",
        "お送りいただいた申請につきまして、審査に日数を要するため、期限を次のとおり延長いたします。\n\n"
        "受付番号：{receipt}\n"
        "新しい期限：{until}\n"
        "延長の理由：\n{reason}\n\n"
        "お待たせして申し訳ございませんが、ご理解くださいますようお願いいたします。\n"
        "ご不明な点がございましたら、受付番号をお知らせのうえ、お問い合わせください。\n",
    ),
    ("extension", "ja-easy"): Words(
        "もう少(すこ)し 時間(じかん)が かかります 番号(ばんごう)",
        "あなたの 申(もう)し込(こ)みを 調(しら)べています。もう少(すこ)し 時間(じかん)が かかります。\n\n"
        "あなたの 番号(ばんごう)： {receipt}\n"
        "いつまで： {until}までに 決(き)めます。\n"
        "時間(じかん)が かかる 理由(りゆう)：\n{reason}\n\n"
        "待(ま)ってください。すみません。\n"
        "わからないときは、番号(ばんごう)を 言(い)って、市役所(しやくしょ)に 聞(き)いてください。\n",
    ),
    ("extension", "en"): Words(
        "We need more time for your application",
        "We need more time to examine your application and have extended the deadline.\n\n"
        "Receipt number: {receipt}\n"
        "New deadline: {until}\n"
        "Reason for the extension:\n{reason}\n\n"
        "We are sorry to keep you waiting.\n"
        "If anything is unclear, please contact us and give us your receipt number.\n",
    ),
    ("individual-number", "ja"): Words(
        "個人番号（マイナンバー）を読めないようにいたしました　受付番号",
        "お送りいただいたものに、個人番号（マイナンバー）が記入されておりました。\n"
        "この手続きには必要がございませんので、番号を読めないようにして受け付けました。\n\n"
        "受付番号：{receipt}\n\n"
        "手続きはそのまま進めております。改めてお送りいただく必要はございません。\n"
        "今後は、必要な手続きのほかでは個人番号をご記入にならないよう、お願いいたします。\n"
        "ご不明な点がございましたら、受付番号をお知らせのうえ、お問い合わせください。\n",
    ),
    ("individual-number", "ja-easy"): Words(
        "マイナンバーを 読(よ)めないように しました 番号(ばんごう)",
        "あなたの 申(もう)し込(こ)みに、マイナンバーが 書(か)いて ありました。\n"
        "この 手続(てつづ)きに マイナンバーは いりません。だから、読(よ)めないように しました。\n\n"
        "あなたの 番号(ばんごう)： {receipt}\n\n"
        "もう一度(いちど) 送(おく)らなくて いいです。\n"
        "マイナンバーは 大切(たいせつ)な 番号(ばんごう)です。いらない ときは 書(か)かないでください。\n"
        "わからないときは、番号(ばんごう)を 言(い)って、市役所(しやくしょ)に 聞(き)いてください。\n",
    ),
    ("individual-number", "en"): Words(
        "We have made your Individual Number unreadable",
        "What you sent us had an Individual Number (My Number) written in it.\n"
        "This procedure does not need it, so we have made it unreadable.\n\n"
        "Receipt number: {receipt}\n\n"
        "Your application goes on; you need not send it again.\n"
        "Please write your Individual Number only where a procedure asks for it.\n"
        "If anything is unclear, please contact us and give us your receipt number.\n",
    ),
    ("result", "ja"): Words(
        "申請の審査が終わりました　受付番号",
        "お送りいただいた申請の審査が終わりましたので、お知らせいたします。\n\n"
        "受付番号：{receipt}\n"
        "審査の結果：{outcome}\n\n"
        "複数の課で審査する申請の場合は、課ごとに結果をお知らせいたします。\n"
        "詳しい内容や理由につきましては、受付番号をお知らせのうえ、お問い合わせください。\n",
    ),
    ("result", "ja-easy"): Words(
        "申(もう)し込(こ)みの 結果(けっか)です 番号(ばんごう)",
        "あなたの 申(もう)し込(こ)みの 結果(けっか)が 決(き)まりました。\n\n"
        "あなたの 番号(ばんごう)： {receipt}\n"
        "結果(けっか)： {outcome}\n\n"
        "2つ以上(いじょう)の 課(か)が 調(しら)べるときは、結果(けっか)の メールも 2つ以上(いじょう) 届(とど)きます。\n"
        "理由(りゆう)を 知(し)りたいときは、番号(ばんごう)を 言(い)って、市役所(しやくしょ)に 聞(き)いてください。\n",
    ),
    ("result", "en"): Words(
        "The result of your application",
        "We have finished examining your application.\n\n"
        "Receipt number: {receipt}\n"
        "Result: {outcome}\n\n"
        "If several departments examine your application, each of them sends its own result.\n"
        "For details and reasons, please contact us and give us your receipt number.\n",
    ),
    ("withdrawal", "ja"): Words(
        "申請の取下げを受け付けました　受付番号",
        "申請の取下げを受け付けました。この申請の手続きは、これで終了いたします。\n\n"
        "受付番号：{receipt}\n\n"
        "改めて申請なさる場合は、お手数ですが、新しい申請としてお送りください。\n"
        "お心当たりのない場合は、受付番号をお知らせのうえ、お問い合わせください。\n",
    ),
    ("withdrawal", "ja-easy"): Words(
        "申(もう)し込(こ)みを やめました 番号(ばんごう)",
        "あなたの 申(もう)し込(こ)みを やめました。手続(てつづ)きは これで 終(お)わりです。\n\n"
        "あなたの 番号(ばんごう)： {receipt}\n\n"
        "もう一度(いちど) 申(もう)し込(こ)みたいときは、新(あたら)しく 送(おく)ってください。\n"
        "やめていないのに この メールが 届(とど)いたときは、市役所(しやくしょ)に 聞(き)いてください。\n",
    ),
    ("withdrawal", "en"): Words(
        "Your application is withdrawn",
        "Your application is withdrawn, as you asked. Nothing more will be done about it.\n\n"
        "Receipt number: {receipt}\n\n"
        "If you wish to apply again, please send a new application.\n"
        "If you did not ask for this, please contact us and give us your receipt number.\n",
    ),
}

FOOTERS: Mapping[Language, str] = {
    "ja": "\n--\n市役所 オンライン窓口\nこのメールは送信専用です。ご返信いただいてもお答えできませんので、ご了承ください。\n",
    "ja-easy": (
        "\n--\n市役所(しやくしょ) オンライン窓口(まどぐち)\n"
        "この メールに 返事(へんじ)を しないでください。返事(へんじ)は 読(よ)むことが できません。\n"
    ),
    "en": "\n--\nCity Hall, online counter\nPlease do not reply to this mail: replies cannot be read.\n",
}

OUTCOMES: Mapping[tuple[str, Language], str] = {
    ("approved", "ja"): "申請のとおり認められました。",
    ("approved", "ja-easy"): "申(もう)し込(こ)みは 認(みと)められました。（OKです）",
    ("approved", "en"): "your application is approved.",
    ("refused", "ja"): "誠に恐れ入りますが、申請は認められませんでした。",
    ("refused", "ja-easy"): "申(もう)し込(こ)みは 認(みと)められませんでした。",
    ("refused", "en"): "we regret that your application is refused.",
    ("not-applicable", "ja"): "今回の申請は、この手続きの対象となりませんでした。",
    (
        "not-applicable",
        "ja-easy",
    ): "あなたの 場合(ばあい)は、この 手続(てつづ)きを しなくても いいです。または、この 手続(てつづ)きは できません。",
    ("not-applicable", "en"): "this procedure does not apply to your case.",
}

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def day(on: date | None, language: Language) -> str:
    """A date as its reader writes it."""
    if on is None:
        return ""
    if language == "en":
        return f"{on.day} {_MONTHS[on.month - 1]} {on.year}"
    if language == "ja":
        return f"{on.year}年{on.month}月{on.day}日"
    return f"{on.year}年(ねん){on.month}月(がつ){on.day}日(にち)"


def body_of(letter: Letter) -> str:
    """The text of a mail."""
    notice, language = letter.notice, letter.language
    text = WORDS[notice.kind, language].body.format(
        receipt=notice.receipt,
        wanted=notice.wanted or "",
        reason=notice.reason or "",
        until=day(notice.until, language),
        outcome=OUTCOMES.get((notice.outcome or "", language), ""),
    )
    return text + FOOTERS[language]


def message_id(notice_id: UUID, domain: str) -> str:
    """RFC 5322 Message-ID: of the notice and nothing else, so a mail sent again is the same mail."""
    return f"<{notice_id}@{domain}>"


def minted_at(identifier: UUID) -> datetime:
    """When a UUIDv7 was made."""
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, UTC)


_TO, _ID, _DATE, _RECEIPT = "to@placeholder.invalid", "<id@placeholder.invalid>", "date-placeholder", "0000-0000-0000-0"


@lru_cache(maxsize=64)
def _head(kind: Kind, language: Language, sender: str) -> bytes:
    """The header of such mails with placeholders, written by EmailMessage: it takes a millisecond, so once is enough."""
    message = EmailMessage(SMTP)
    message["From"], message["To"] = sender, _TO
    message["Subject"] = f"{WORDS[kind, language].subject} {_RECEIPT}"
    message["Message-ID"] = _ID
    message["X-Date"] = _DATE
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("", cte="base64")
    message["Content-Language"] = language.removesuffix("-easy")
    head, end, _ = message.as_bytes().partition(b"\r\n\r\n")
    return head.replace(b"X-Date:", b"Date:") + end


def mail(letter: Letter, sender: str, domain: str) -> bytes:
    """The mail, byte for byte the same whenever it is made again.

    What is put into the header is an address as `address_of` lets it pass, a receipt number, a date and a UUID: none can
    hold a line end.
    """
    notice = letter.notice
    head = (
        _head(notice.kind, letter.language, sender)
        .replace(_ID.encode(), message_id(notice.notice_id, domain).encode("ascii"))
        .replace(_DATE.encode(), format_datetime(minted_at(notice.notice_id).astimezone(JAPAN)).encode("ascii"))
        .replace(_RECEIPT.encode(), notice.receipt.encode("ascii"))
        .replace(_TO.encode(), letter.address.encode("ascii"))  # last: an address may look like any placeholder
    )
    body = body_of(letter).replace("\n", "\r\n").encode()
    return head + base64.encodebytes(body).replace(b"\n", b"\r\n")
