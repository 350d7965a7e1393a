"""A small, deterministic file of a fictional Kushiro, for a demo without anybody's data. Mapping: `sample`.

It holds what real files hold: cases that stand twice, cases that contradict themselves, rows that cannot be read.
"""

import csv
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

HEADER = ("管理番号", "受付日時", "経路", "手続", "地区", "事情", "世帯人数", "氏名", "電話番号", "住所", "内容")
_CHANNELS = ("スマートフォン", "窓口", "ウェブ", "LINE", "電子メール", "電話", "FAX", "紙", "RPA")
_REQUESTS = (
    ("除雪", "家の前に雪山が残っています。", ("国道", "道道", "市道", "なし")),
    ("道路のくぼみ", "横断歩道の手前に大きなくぼみがあります。", ("なし",)),
    ("街路灯", "街路灯が消えたままです。", ("なし",)),
    ("粗大ごみ", "たんすを一台引き取ってください。", ("なし",)),
    ("ごみの取り残し", "本日の可燃ごみが残っています。", ("なし",)),
    ("エゾシカ", "エゾシカが畑に入ってきます。", ("なし",)),
    ("児童手当の認定請求", "第二子が生まれました。", ("なし",)),
    ("妊娠の届出", "母子健康手帳をお願いします。", ("なし",)),
    ("要介護認定の申請", "母の認定を申請します。", ("なし",)),
    ("罹災証明書の発行申請", "台風で屋根が飛びました。", ("火災", "なし")),
    ("落書き", "地下道に落書きがあります。", ("なし",)),
    ("その他のご相談", "どの課に相談すればよいか分かりません。", ("なし",)),
)
_FAMILY = ("北野", "湿原", "霧島", "幣舞", "港", "春採", "鶴居沢", "雪村")
_GIVEN = ("一郎", "花子", "さくら", "大地", "みのり", "海斗")
_PLACES = (("釧路東", "幸町"), ("釧路西", "鳥取大通"), ("阿寒", "阿寒町中央"), ("音別", "音別町本町"))
_FIRST = datetime(2026, 1, 5, 8, 30)  # noqa: DTZ001  a local time, as a city's export has it


def write_sample(path: Path, rows: int = 300, seed: int = 12068) -> Path:
    """Write `rows` rows; the same ones for the same `seed`. Returns `path`."""
    random = Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        written: list[list[str]] = []
        for number in range(1, rows + 1):
            written.append(_odd(random, number, written) or _row(random, number))
            writer.writerow(written[-1])
    return path


def _row(random: Random, number: int) -> list[str]:
    request, words, circumstances = random.choice(_REQUESTS)
    district, town = random.choice(_PLACES)
    opened = _FIRST + timedelta(minutes=37 * number)
    return [
        f"K{number:06d}",
        f"{opened:%Y/%m/%d %H:%M}",
        random.choice(_CHANNELS),
        request,
        district,
        random.choice(circumstances),
        str(random.randint(1, 6)),
        f"{random.choice(_FAMILY)} {random.choice(_GIVEN)}",
        f"0154-00-{random.randint(0, 9999):04d}",
        f"釧路市{town}{random.randint(1, 20)}丁目",
        words,
    ]


def _odd(random: Random, number: int, written: list[list[str]]) -> list[str] | None:
    """Every so often: a row again, a row that contradicts an earlier one, a row without a date, a row cut short."""
    if number % 29 == 0:
        return list(random.choice(written[: number // 2]))
    if number % 61 == 0:
        earlier = next(row for row in written if len(row) == len(HEADER) and row[1])
        return [*earlier[:3], "落書き", *earlier[4:]]
    if number % 71 == 0:
        return [cell if place != 1 else "" for place, cell in enumerate(_row(random, number))]
    return _row(random, number)[:4] if number % 97 == 0 else None
