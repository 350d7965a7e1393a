"""Everything that needs a city; one city for all of it, used as a person would."""

import contextlib
import resource
import socket
import time
from collections.abc import Generator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from chassis import kafka
from chassis.database import utc_now
from chassis.kafka import Outgoing
from console.city import City
from console.plain import PLAIN
from deploy.databases import within
from deploy.local import certificates
from deploy.local.home import home_of
from deploy.local.ports import is_free
from deploy.local.process import wait_for
from deploy.local.services import plan_path
from tests.conftest import shared_data
from tests.console.conftest import Terminal

SERVICES = ["intake", "routing", "desk", "notify", "archive"]
OWNER_ONLY = 0o600


def ready(terminal: Terminal) -> bool:
    return all(terminal.processes()[name]["state"] == "ready" for name in SERVICES)


@contextlib.contextmanager
def taken(port: int) -> Generator[None]:
    """Somebody else listens there, as soon as it is free."""
    assert wait_for(lambda: is_free(port), seconds=5)
    with socket.create_server(("127.0.0.1", port)):
        yield


def runs(pid: int) -> bool:
    """Whether it does anything; one that nobody has buried yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def execute(city: City, service: str, query: str) -> None:
    """What no service may do, as the administrator."""
    connection = await asyncpg.connect(within(city.admin_dsn, f"madoguchi_{service}"))
    try:
        await connection.execute(query)
    finally:
        await connection.close()


def test_up_where_everything_runs_changes_nothing_and_takes_a_moment(terminal: Terminal) -> None:
    before, began = terminal.processes(), resource.getrusage(resource.RUSAGE_CHILDREN)

    terminal.ok("up")

    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert ended.ru_utime - began.ru_utime < 5  # of the command: what else the machine does is not its time
    assert terminal.processes() == before
    assert ready(terminal)


def test_every_service_answers_where_the_status_says(terminal: Terminal) -> None:
    said = {line["name"]: line["address"] for line in terminal.run("status", "--json").json()}
    for name in SERVICES:
        address = said[name]
        assert httpx.get(f"{address}/health/ready", verify=PLAIN).json()["status"] == "ready"


def test_only_the_owner_may_read_the_passwords(terminal: Terminal) -> None:
    for name in ("databases.json", "city.json", "pgpass", "services.json"):
        assert (terminal.home / "run" / name).stat().st_mode & 0o777 == OWNER_ONLY


def test_a_killed_service_comes_back_at_the_same_address(terminal: Terminal) -> None:
    before = terminal.processes()["routing"]

    terminal.kill("routing")

    assert wait_for(lambda: ready(terminal), seconds=20)
    after = terminal.processes()["routing"]
    assert (after["address"], after["restarts"]) == (before["address"], before["restarts"] + 1)
    assert after["pid"] != before["pid"]


def test_a_service_whose_port_was_taken_while_it_was_away_comes_back_at_another(terminal: Terminal) -> None:
    before = terminal.processes()["routing"]
    port = int(before["address"].rpartition(":")[2])

    terminal.kill("routing")
    with taken(port):
        assert wait_for(lambda: terminal.processes()["routing"]["address"] != before["address"], seconds=20)
        assert wait_for(lambda: ready(terminal), seconds=20)


def test_a_killed_supervisor_is_replaced_and_leaves_no_service_running_twice(terminal: Terminal) -> None:
    before = {terminal.processes()[name]["pid"] for name in SERVICES}
    killed = terminal.kill("supervisor")

    terminal.ok("up")

    processes = terminal.processes()
    assert processes["supervisor"]["pid"] != killed
    assert not any(map(runs, before))
    assert ready(terminal)


def test_up_makes_no_other_keys_where_the_keyring_should_be_and_goes_on_with_it_once_it_is_back(
    terminal: Terminal,
) -> None:
    keyring = home_of(terminal.settings).keyring
    keyring.rename(keyring.with_name("not-mounted"))

    refused = terminal.run("up")

    assert refused.code == 1
    assert f"{keyring} does not hold 5y-" in " ".join(refused.err.split())
    assert not list(keyring.rglob("*.key"))
    keyring.with_name("not-mounted").replace(keyring)
    terminal.ok("up")


def test_the_demo_adds_up_while_everything_is_killed_and_adds_up_again(terminal: Terminal, sample: Path) -> None:
    demo = terminal.start("demo", "--once", "--file", str(sample), "--mapping", "sample")
    time.sleep(1.5)
    for name in ("kafka", "intake", "routing", "postgres", "desk", "notify", "archive", "mail", "supervisor"):
        assert wait_for(lambda name=name: terminal.processes()[name]["pid"] is not None, seconds=30), name
        terminal.kill(name)
        time.sleep(0.5)
    out, err = demo.communicate(timeout=200)
    assert demo.returncode == 0, f"{out}\n{err}"

    again = terminal.run("demo", "--once", "--file", str(sample), "--mapping", "sample")

    assert again.code == 0, f"{again.out}\n{again.err}"
    assert "Everything adds up." in again.out


def test_an_import_of_the_same_file_adds_nothing(terminal: Terminal, sample: Path) -> None:
    words = terminal.ok("import", str(sample), "--mapping", "sample")
    source = words.split("source: ")[1].split()[0]

    found = terminal.run("reconcile", "--source", source, "--wait", "30", "--json").json()

    assert found["adds_up"]
    rows = {row["what"]: row["databases"] for row in found["rows"]}
    assert (rows["rows read"], rows["accepted"], rows["repeated"], rows["rejected"]) == (300, 279, 10, 11)
    assert rows["applications accepted"] == rows["in the desk"] == rows["receipts in the mail folder"]


@pytest.mark.parametrize(
    "file,mapping,rows",
    [
        ("nyc_2018-10-21_fullday.csv.gz", "nyc", 6_765),
        pytest.param("boston_2011H2_A.csv.gz", "boston", 24_904, marks=pytest.mark.long),
    ],
)
def test_every_row_of_a_real_file_adds_up(terminal: Terminal, file: str, mapping: str, rows: int) -> None:
    path = shared_data(f"requests/{file}")
    words = terminal.ok("import", str(path), "--mapping", mapping)
    source = words.split("source: ")[1].split()[0]

    answer = terminal.run("reconcile", "--source", source, "--wait", "100", "--json")

    assert answer.code == 0, answer.out
    found = {row["what"]: row for row in answer.json()["rows"]}
    assert found["rows read"]["databases"] == rows
    assert found["accepted"]["databases"] == rows


LOST: dict[str, tuple[str, str, str]] = {
    "in the desk": (
        "desk",
        "CREATE TABLE lost AS SELECT * FROM case_item LIMIT 1; DELETE FROM case_item WHERE case_id = (SELECT case_id FROM lost)",
        "INSERT INTO case_item SELECT * FROM lost; DROP TABLE lost",
    ),
    "events kept by the archive": (
        "archive",
        """CREATE TABLE lost AS SELECT * FROM event WHERE type = 'jp.madoguchi.application.accepted.v1' LIMIT 1;
        DELETE FROM event WHERE id = (SELECT id FROM lost)""",
        "INSERT INTO event SELECT * FROM lost; DROP TABLE lost",
    ),
    "events numbered, published, seen by all": (
        "routing",
        "UPDATE chassis.lane SET seen = seen - 1 WHERE topic = 'intake.v1' AND partition = 0",
        "UPDATE chassis.lane SET seen = seen + 1 WHERE topic = 'intake.v1' AND partition = 0",
    ),
}
"""A case, an archived event and a watermark: by the line that says so."""


async def test_reconcile_finds_what_was_lost_and_nothing_else(terminal: Terminal) -> None:
    for service, planted, _ in LOST.values():
        await execute(terminal.city(), service, planted)
    try:
        answer = terminal.run("reconcile", "--json")
    finally:
        for service, _, mended in LOST.values():
            await execute(terminal.city(), service, mended)

    assert answer.code == 1
    assert {row["what"] for row in answer.json()["rows"] if row["wrong"]} == LOST.keys()
    terminal.ok("reconcile", "--wait", "20")


def test_a_source_that_never_sent_anything_is_an_error(terminal: Terminal) -> None:
    answer = terminal.run("reconcile", "--source", "/nobody")

    assert answer.code == 1
    assert "Nothing has come from '/nobody'" in answer.err


def test_a_range_sent_again_is_dropped_by_every_reader(terminal: Terminal) -> None:
    words = terminal.ok("lane", "resend", "--topic", "intake.v1", "--partition", "0", "--first", "1", "--last", "5")

    assert words.startswith("5 of 5 events sent again.")
    terminal.ok("reconcile", "--wait", "20")


def test_a_topic_without_numbers_cannot_be_sent_again(terminal: Terminal) -> None:
    answer = terminal.run(
        "lane", "resend", "--topic", "applications.v1", "--partition", "0", "--first", "1", "--last", "5"
    )

    assert answer.code == 1
    assert "choose one of intake.v1" in answer.err


@pytest.mark.parametrize("command", [["parked", "mayor"], ["redrive", "mayor", "--all"]], ids=" ".join)
def test_an_unknown_service_is_refused_with_those_there_are(terminal: Terminal, command: list[str]) -> None:
    answer = terminal.run(*command)

    assert answer.code == 1
    assert answer.err == "Error: There is no service 'mayor': choose one of intake, routing, desk, notify, archive.\n"


def test_the_doctor_finds_nothing_in_a_city_that_is_well(terminal: Terminal) -> None:
    said = terminal.ok("doctor")

    assert "✗" not in said
    assert "Kafka is spoken with over TLS; its certificate is good for" in said


def test_the_doctor_says_what_to_do_when_kafka_is_not_the_one_that_is_meant(terminal: Terminal, tmp_path: Path) -> None:
    path = plan_path(home_of(terminal.settings))
    plan, another = path.read_text(), str(certificates.ensure(tmp_path, utc_now()).authority)
    path.write_text(plan.replace(str(terminal.city().kafka.ca), another))
    try:
        answer = terminal.run("doctor")
    finally:
        path.write_text(plan)

    assert answer.code == 1
    assert f"is not signed by KAFKA_CA={another}" in " ".join(answer.out.split())


async def test_what_cannot_be_read_is_parked_shown_without_its_content_and_stays_after_a_redrive(
    terminal: Terminal,
) -> None:
    producer = await kafka.start_producer(terminal.city().kafka, 30)
    await kafka.publish(
        producer, "applications.v1", [Outgoing(0, 0, b"who-knows", b"not a CloudEvent, but secret")], 30
    )
    await kafka.stop(producer)
    assert wait_for(lambda: "foreign who-knows" in terminal.ok("parked", "intake"), seconds=20)

    shown, dry = terminal.ok("parked", "intake"), terminal.run("redrive", "intake", "--all")
    real = terminal.run("redrive", "intake", "foreign who-knows", "--for-real", "--by", "test")

    assert "secret" not in shown + dry.out + real.out
    assert (dry.code, real.code) == (1, 1)
    assert "0 keys would be handled, 1 stay parked" in dry.out
    assert "0 keys are handled, 1 stay parked" in real.out
    assert terminal.run("doctor").code == 1
    assert "has parked 1 events" in terminal.run("reconcile").out


def test_down_leaves_no_process_also_when_the_supervisor_was_killed(terminal: Terminal) -> None:
    pids = [line["pid"] for line in terminal.processes().values()]
    terminal.kill("supervisor")

    terminal.ok("down")

    assert not any(map(runs, pids))
    assert {line["state"] for line in terminal.processes().values()} == {"stopped"}
