"""`madoguchi keys`, as a person runs it. No city is needed."""

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sealing.errors import DestroyedKey
from sealing.files import FileUnwrapping, FileWrapping
from tests.conftest import ROOT
from tests.console.conftest import Answer, Terminal
from tests.provider import Running

PASSPHRASE = "a passphrase of some length"


@pytest.fixture
def office(tmp_path: Path) -> Terminal:
    """A home of its own for each test."""
    return Terminal(tmp_path)


def officer(provider: Running, name: str, *roles: str) -> dict[str, str]:
    """The environment of somebody whom a provider of the city's own vouches for."""
    token = provider.token(name, roles or ("records-officer",))["Authorization"].removeprefix("Bearer ")
    return {"MADOGUCHI_OIDC_ISSUER": provider.url, "MADOGUCHI_TOKEN": token}


def with_passphrase(office: Terminal, passphrase: str, *arguments: str) -> Answer:
    environment = os.environ | {  # noqa: TID251  a child's environment
        "MADOGUCHI_HOME": str(office.home),
        "MADOGUCHI_KEYRING_PASSPHRASE": passphrase,
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-m", "console.main", "keys", *arguments],
        env=environment,
        cwd=office.home,
        capture_output=True,
        text=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def test_a_classs_keys_are_made_for_two_fiscal_years_and_once(office: Terminal) -> None:
    first = office.ok("keys", "make", "5y", "3y-2031")
    again = office.ok("keys", "make", "5y", "3y-2031")

    names = [line.split(".")[0] for line in first.splitlines()]
    assert [name.partition("-")[0] for name in names] == ["5y", "5y", "3y"]
    assert int(names[1][-4:]) == int(names[0][-4:]) + 1
    assert again == first
    assert len(list((office.home / "keyring" / "private").glob("*.key"))) == 3


def test_a_rotated_key_is_listed_with_what_each_version_does(office: Terminal, provider: Running) -> None:
    office.ok("keys", "make", "5y-2031")
    assert office.ok("keys", "rotate", "5y-2031") == "5y-2031.2 seals\n"
    office.ok("keys", "destroy", "5y-2031", "--reason", "試験のため", **officer(provider, "sato"))

    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in office.ok("keys", "list").splitlines()]

    states = {cells[0]: cells[1] for cells in lines if len(cells) == 4}
    assert states["5y-2031.1"] == "opens, destruction asked for"
    assert states["5y-2031.2"] == "seals, destruction asked for"


def test_two_people_destroy_a_key_and_the_certificate_names_the_back_up_that_still_holds_it(
    office: Terminal, provider: Running
) -> None:
    office.ok("keys", "make", "5y-2020", "5y-2021")
    ring = office.home / "keyring"
    one = FileWrapping(ring / "public").new("5y-2020")
    assert with_passphrase(office, PASSPHRASE, "back-up", "old").code == 0

    asked = office.ok("keys", "destroy", "5y-2020", "--reason", "保存期間が満了したため", **officer(provider, "sato"))
    alone = office.run("keys", "confirm", "5y-2020", **officer(provider, "SATO"))
    assert FileUnwrapping(ring / "private").unwrap(one.key, one.wrapped) == one.secret
    done = office.ok("keys", "confirm", "5y-2020", **officer(provider, "tanaka"))

    assert "廃棄を依頼しました" in asked
    assert "⚠" not in asked
    assert (alone.code, "Ask a colleague" in alone.err) == (1, True)
    assert str(ring / "destroyed" / "5y-2020.json") in done
    assert f"destroy it too: {office.home / 'old'}" in done
    with pytest.raises(DestroyedKey):
        FileUnwrapping(ring / "private").unwrap(one.key, one.wrapped)
    restored = with_passphrase(office, PASSPHRASE, "restore", "old")
    assert "destroyed, left out: 5y-2020.1" in restored.out
    made = office.run("keys", "make", "5y-2020")
    assert (made.code, "never used again" in made.err) == (1, True)


def test_a_key_is_destroyed_by_records_officers_whom_the_provider_vouches_for_and_by_nobody_else(
    office: Terminal, provider: Running
) -> None:
    office.ok("keys", "make", "5y-2020")
    ask = ("keys", "destroy", "5y-2020", "--reason", "保存期間が満了したため")
    forged = officer(provider, "sato") | {"MADOGUCHI_TOKEN": "e30.e30.e30"}

    nobody = office.run(*ask, **officer(provider, "sato") | {"MADOGUCHI_TOKEN": ""})
    clerk, stranger = office.run(*ask, **officer(provider, "sato", "clerk")), office.run(*ask, **forged)

    assert (nobody.code, "Nobody is signed in" in nobody.err) == (1, True)
    assert (clerk.code, "sato is no records-officer" in clerk.err) == (1, True)
    assert (stranger.code, stranger.err.startswith("Error: ")) == (1, True)
    assert not list((office.home / "keyring").glob("requests/*"))


def test_who_destroys_a_key_that_still_seals_is_told_so(office: Terminal, provider: Running) -> None:
    office.ok("keys", "make", "5y-2999")

    asked = office.ok("keys", "destroy", "5y-2999", "--reason", "試験のため", **officer(provider, "sato"))

    assert "受け付けられなくなります" in asked
    assert "intake cannot seal" in asked
    assert "取り下げました" in office.ok("keys", "withdraw", "5y-2999")
    assert office.run("keys", "confirm", "5y-2999", **officer(provider, "tanaka")).code == 1


def test_a_back_up_is_restored_elsewhere(office: Terminal) -> None:
    office.ok("keys", "make", "5y-2031")
    one = FileWrapping(office.home / "keyring" / "public").new("5y-2031")
    made = with_passphrase(office, PASSPHRASE, "back-up", "file")
    wrong = with_passphrase(office, PASSPHRASE + "!", "restore", "file", "--keyring", "elsewhere")
    right = with_passphrase(office, PASSPHRASE, "restore", "file", "--keyring", "elsewhere")

    assert "holds 5y-2031; SHA-256 " in made.out
    assert (wrong.code, wrong.err) == (1, "Error: The passphrase does not open this back-up.\n")
    assert "put back: 5y-2031.1" in right.out
    assert FileUnwrapping(office.home / "elsewhere" / "private").unwrap(one.key, one.wrapped) == one.secret


def test_the_passphrase_is_typed_twice_and_not_shown(office: Terminal) -> None:
    office.ok("keys", "make", "5y-2031")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(office.home)
        command = [sys.executable, "-m", "console.main", "keys", "back-up", "file"]
        home = {"MADOGUCHI_HOME": str(office.home), "PYTHONPATH": str(ROOT)}
        os.execve(sys.executable, command, os.environ | home)  # noqa: TID251, S606  a child's environment
    shown = typed(terminal, b"Passphrase: ", PASSPHRASE) + typed(terminal, b"confirmation: ", PASSPHRASE)
    shown += rest(terminal)
    os.waitpid(pid, 0)

    assert b"back-up " in shown
    assert PASSPHRASE.encode() not in shown
    assert with_passphrase(office, PASSPHRASE, "restore", "file", "--keyring", "elsewhere").code == 0


def typed(terminal: int, prompt: bytes, line: str) -> bytes:
    """Wait for a prompt, then type a line."""
    shown = b""
    while prompt not in shown:
        shown += os.read(terminal, 1024)
    time.sleep(0.1)  # until the echo is off
    os.write(terminal, f"{line}\n".encode())
    return shown


def rest(terminal: int) -> bytes:
    shown = b""
    try:
        while more := os.read(terminal, 1024):
            shown += more
    except OSError:
        """The child has hung up."""
    os.close(terminal)
    return shown


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["rotate", "5y-2031"], "no key 5y-2031: `madoguchi keys make 5y-2031` makes it."),
        (["make", "5y/2031"], "that is no version of a key"),
        (["destroy", "5y-2031", "--reason", "b"], "no key 5y-2031: see `madoguchi keys list`."),
        (["confirm", "5y-2031"], "Nobody has asked for the destruction of 5y-2031"),
        (["withdraw", "5y-2031"], "Nobody has asked"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    office: Terminal, provider: Running, arguments: list[str], words: str
) -> None:
    answer = office.run("keys", *arguments, **officer(provider, "sato"))

    assert answer.code == 1
    assert answer.err.startswith("Error: ")
    assert words in answer.err.replace("\n", " ")


def test_a_damaged_file_is_named_and_not_mistaken_for_a_server_that_is_away(
    office: Terminal, provider: Running
) -> None:
    office.ok("keys", "make", "5y-2031")
    office.ok("keys", "destroy", "5y-2031", "--reason", "試験のため", **officer(provider, "sato"))
    file = office.home / "keyring" / "requests" / "5y-2031.json"
    file.write_bytes(b"{}")

    answer = office.run("keys", "confirm", "5y-2031", **officer(provider, "tanaka"))

    assert (answer.code, f"{file} is damaged" in answer.err) == (1, True)
