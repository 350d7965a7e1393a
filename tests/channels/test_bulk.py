"""A city's file becomes applications: every row an event, every event an outcome, the same bytes every time."""

import csv
import gzip
import resource
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.bulk import InvalidMapping, UnreadableFile, known_mappings, load_mapping, write_sample
from channels.bulk import files as bulk_files
from channels.bulk.headers import columns_of
from channels.bulk.importing import import_file
from channels.bulk.rows import Outgoing, slug, translator
from contracts import individual_numbers, reading
from contracts.channels import ApplicationSubmitted
from contracts.ids import uuid7
from deploy.local import Stack
from services.intake import rules
from services.intake.guarding import guard
from services.intake.legal_bases import read_legal_bases
from services.intake.rules import Digest, Known, Sent
from services.routing.packs import read_folder, read_pack
from tests.conftest import ROOT, shared_data

REAL = {
    "boston_2011H2_A": ("boston", 24_904),
    "boston_2013-2017_animal_pest_A": ("boston", 18_514),
    "baltimore_2014-2018_A": ("baltimore", 4_897),
    "nyc_2018-10-21_fullday": ("nyc", 6_765),
    "nyc_2023-02-28_A": ("nyc", 2_541),
    "nyc_queens_2020_A": ("nyc", 26_337),
}
ROUTED_SHARE = {"boston": 0.7, "baltimore": 0.55, "nyc": 0.6}


@dataclass(frozen=True, slots=True)
class Verdicts:
    outcomes: Counter[str]
    reasons: Counter[str]
    routed: int
    refused: list[int]
    masked: list[int]
    """Rows (from 1) in which something is taken for an Individual Number."""


def events(path: Path, name: str) -> Iterator[Outgoing]:
    """Every row of a file as its event."""
    mapping = load_mapping(name)
    with bulk_files.opened(path, mapping) as file:
        translate = translator(mapping, file.header, bulk_files.fingerprint(path))
        for number, cells in enumerate(file.rows, 1):
            yield translate.event(number, cells)


def judged(path: Path, name: str) -> Verdicts:
    """What intake, its guard against Individual Numbers included, and routing would do with every row."""
    bases = read_legal_bases(ROOT / "cities" / "kushiro")
    tables = read_pack(read_folder(ROOT / "cities" / "kushiro")).tables
    outcomes, reasons, routed, known = Counter[str](), Counter[str](), 0, dict[object, Known]()
    refused, masked = list[int](), list[int]()
    for number, event in enumerate(events(path, name), 1):
        guarded = guard(reading.read({}, event.value), bases)
        sent = guarded.submission
        assert sent.subject == event.key.decode()
        masked.extend([number] if guarded.masked or guarded.numbers else [])
        if not isinstance(sent.event, ApplicationSubmitted):
            outcomes["rejected"] += 1
            reasons.update({fault.code for fault in sent.faults})
            refused.append(number)
            continue
        digest = Digest(sent.digest, None, lambda _: None)
        this = Sent(sent.source, sent.id, sent.event.application_id, "application", digest)
        new = Known(sent.event.application_id, "r", sent.source, sent.digest, datetime.now(UTC), "open", "p", "bulk")
        added = () if new.application_id in known else (new.application_id,)
        (verdict,) = rules.judge([this], {new.application_id: known.setdefault(new.application_id, new)}, added)
        outcomes[verdict.outcome] += 1
        reasons.update({fault.code for fault in verdict.faults})
        refused.extend([number] if verdict.outcome == "rejected" else [])
        application = sent.event.application
        routed += verdict.outcome == "accepted" and any(
            one.compiled.hits(application.facts | {"procedure": application.procedure}) for one in tables
        )
    return Verdicts(outcomes, reasons, routed, refused, masked)


@pytest.mark.parametrize("name", REAL)
def test_every_row_of_a_real_file_is_accepted_whole_and_most_find_a_department(name: str) -> None:
    mapping, rows = REAL[name]

    found = judged(shared_data(f"requests/{name}.csv.gz"), mapping)

    assert (found.outcomes, found.reasons, found.masked) == (Counter(accepted=rows), Counter(), [])
    if name != "boston_2013-2017_animal_pest_A":
        assert found.routed > ROUTED_SHARE[mapping] * found.outcomes["accepted"]


def test_a_file_read_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "sample.csv")

    assert list(events(path, "sample")) == list(events(path, "sample"))


def test_the_sample_has_every_outcome(tmp_path: Path) -> None:
    found = judged(write_sample(tmp_path / "sample.csv", 300), "sample")

    assert found.outcomes.total() == 300
    assert set(found.outcomes) == {"accepted", "repeated", "rejected"}
    assert {"application-id-taken", "missing", "extra_forbidden"} <= set(found.reasons)
    assert 0 < found.routed < found.outcomes["accepted"]


def made_wrong(path: Path) -> list[int]:
    """The rows (from 1) that were made wrong: cut short, without a date, or another content under a number that is taken."""
    header, *made = csv.reader(path.open(encoding="utf-8"))
    taken = dict[str, list[str]]()
    return [
        number
        for number, row in enumerate(made, 1)
        if len(row) < len(header) or not row[1] or taken.setdefault(row[0], row) != row
    ]


@pytest.mark.parametrize("seed", [12068, *range(1, 8)])
def test_of_the_sample_only_the_rows_that_were_made_wrong_are_refused_whatever_its_seed(
    tmp_path: Path, seed: int
) -> None:
    path = write_sample(tmp_path / "sample.csv", 1000, seed)

    found = judged(path, "sample")

    assert found.refused == made_wrong(path)
    assert found.masked == []
    assert set(found.reasons) == {"application-id-taken", "missing", "extra_forbidden"}


def test_the_sample_is_the_same_every_time(tmp_path: Path) -> None:
    one, two = write_sample(tmp_path / "a.csv"), write_sample(tmp_path / "b.csv")

    assert one.read_bytes() == two.read_bytes()


def test_every_mapping_is_sound_and_says_what_it_is_about() -> None:
    assert known_mappings() == ["baltimore", "boston", "nyc", "sample"]
    assert all(load_mapping(name).about for name in known_mappings())


def test_an_unknown_mapping_lists_those_there_are() -> None:
    with pytest.raises(InvalidMapping, match="baltimore, boston, nyc, sample"):
        load_mapping("atlantis")


@pytest.mark.parametrize(
    "change,words",
    [
        ('zone = "Asia/Tokyo"', 'opened.zone: expected the name of a time zone such as "Asia/Tokyo", found'),
        ('id = "管理番号"', "id: expected this key, found nothing"),
        ('municipality = "012068"', "municipality"),
    ],
)
def test_a_wrong_mapping_names_file_key_and_what_was_expected(tmp_path: Path, change: str, words: str) -> None:
    text = (ROOT / "channels/bulk/mappings/sample.toml").read_text("utf-8")
    broken = {"zone": 'zone = "Asia/Atlantis"', "id": 'x = "y"', "municipality": 'municipality = "12"'}
    (tmp_path / "mine.toml").write_text(text.replace(change, broken[change.split(" ", maxsplit=1)[0]]), "utf-8")

    with pytest.raises(InvalidMapping) as error:
        load_mapping("mine", tmp_path)

    assert "mine.toml" in str(error.value)
    assert words in str(error.value)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text("管理番号,受付日時\n1,2026/01/01 08:00\n", "utf-8")

    with pytest.raises(UnreadableFile, match=r"経路.*管理番号, 受付日時"):
        list(events(path, "sample"))


def test_a_file_without_a_header_row_is_told_so_and_its_cells_are_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "headless.csv"
    path.write_text("1,2026/01/01 08:00,窓口,釧路花子\n", "utf-8")

    with pytest.raises(UnreadableFile, match="header row") as error:
        list(events(path, "sample"))

    assert "釧路花子" not in str(error.value)


def test_a_file_of_another_encoding_is_told_so_and_no_terminal_obeys_it(tmp_path: Path) -> None:
    path = tmp_path / "unicode.csv"
    path.write_bytes("管理番号,受付日時,\x1b[2J\n".encode("utf-16"))

    with pytest.raises(UnreadableFile, match="UTF-8") as error:
        list(events(path, "sample"))

    assert str(error.value).isprintable()


def test_a_damaged_archive_says_after_which_row(tmp_path: Path) -> None:
    whole = gzip.compress(write_sample(tmp_path / "a.csv", 3000).read_bytes())
    (tmp_path / "b.csv.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(UnreadableFile, match="damaged after row"):
        list(events(tmp_path / "b.csv.gz", "sample"))


def test_mis_encoded_bytes_are_carried_and_marked(tmp_path: Path) -> None:
    path = write_sample(tmp_path / "a.csv", 3)
    path.write_bytes(path.read_bytes().replace("釧路市".encode(), b"\xff\xfe\xff"))

    (first, *_) = (reading.read({}, event.value) for event in events(path, "sample"))

    assert isinstance(first.event, ApplicationSubmitted)
    assert first.event.application.facts["encoding_damaged"] is True


def test_values_no_table_knows_become_codes_of_their_own() -> None:
    assert slug("HEAT/HOT WATER") == "heat-hot-water"
    assert slug("熊の出没") != slug("鹿の出没")


@pytest.mark.parametrize("case", ["101000295648", "123456789018"])
def test_an_address_made_up_of_a_case_number_is_taken_for_no_individual_number(case: str) -> None:
    mapping = load_mapping("boston")
    header = list(dict.fromkeys(columns_of(mapping)))
    cells = [case if column == mapping.id else "2011-07-01 08:00:00" for column in header]

    event = reading.read({}, translator(mapping, header, "file").event(1, cells).value).event

    assert individual_numbers.find(case)
    assert isinstance(event, ApplicationSubmitted)
    assert event.application.applicant.email is not None
    assert not individual_numbers.find(event.application.applicant.email)


def test_rows_stream_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    write_sample(tmp_path / "a.csv", 500)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as source:
        header, *rows = csv.reader(source)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for turn in range(100):
            writer.writerows([f"{row[0]}-{turn}", *row[1:]] for row in rows)
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()

    count = sum(1 for _ in events(path, "sample"))

    assert count == 50_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    assert count / (time.process_time() - began) > 2_000  # of this process: what others do meanwhile is not its speed


async def test_an_import_reports_progress_and_publishes_every_row(servers: Stack, tmp_path: Path) -> None:
    from contracts.topics import APPLICATIONS
    from deploy.topics import create_topics

    await create_topics(servers.kafka, [APPLICATIONS])
    path = write_sample(tmp_path / f"{uuid7(datetime.now(UTC))}.csv", 250)
    seen: list[int] = []

    done = await import_file(path, "sample", servers.kafka.aiokafka(), lambda rows, _read, _total: seen.append(rows))
    part = await import_file(path, "sample", servers.kafka.aiokafka(), rows=10)

    assert (done.rows, done.published, part.rows) == (250, 250, 10)
    assert done.source == part.source
    assert seen[-1] == 250
