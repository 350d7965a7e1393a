"""`madoguchi keys`: the file keyring of this machine. Made ahead, rotated, backed up, and destroyed by two people."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from console.helping import example

if TYPE_CHECKING:
    from sealing.making import KeyState

AS = click.option(
    "--as",
    "account",
    metavar="NAME",
    help="A records officer's account of the local provider; else MADOGUCHI_TOKEN says it.",
)
KEYRING = click.option(
    "--keyring",
    "root",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: _home(),
    help="The keyring's folder; else `keyring` in the city's home.",
)
NAME = click.argument("name", metavar="KEY")
STILL_SEALS = (
    "⚠ この鍵は、今年度またはこれからの年度のものです。廃棄すると、新しい申請を受け付けられなくなります。",
    "⚠ It is of this fiscal year or a later one: once it is gone, intake cannot seal, and waits.",
)
_SHOWN = 16
"""How much of a fingerprint is shown."""


class PassphraseSettings(BaseSettings):
    """The passphrase of a back-up where nobody is there to type it. Never an argument: arguments are seen by every user of a machine."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_", extra="ignore", env_ignore_empty=True)

    keyring_passphrase: SecretStr | None = Field(default=None)


@click.group(
    epilog=example(
        "madoguchi keys make 5y 10y",
        "madoguchi keys rotate 5y-2026",
        "madoguchi keys destroy 5y-2020 --as sato --reason 保存期間が満了したため",
        "madoguchi keys confirm 5y-2020 --as tanaka",
        "madoguchi keys back-up /media/usb/keys-2026-04-01",
    )
)
def keys() -> None:
    """Keys that seal personal data, each named after the retention class and fiscal year that it is destroyed with."""


@keys.command(
    epilog=example(
        "madoguchi keys make 5y 10y     this fiscal year's and the next one's", "madoguchi keys make 5y-2028"
    )
)
@click.argument("names", metavar="CLASS|KEY...", nargs=-1, required=True)
@KEYRING
def make(names: tuple[str, ...], root: Path) -> None:
    """Make the keys of retention classes for this fiscal year and the next, or single keys. Those that are there stay as they are."""
    from console.terminal import out
    from sealing.making import make_keys, names_ahead

    now = _now()
    wanted = [key for name in names for key in ([name] if "-" in name else names_ahead(name, now))]
    for version in make_keys(root, *dict.fromkeys(wanted)):
        out.print(f"{version} seals", markup=False)


@keys.command(epilog=example("madoguchi keys rotate 5y-2026"))
@NAME
@KEYRING
def rotate(name: str, root: Path) -> None:
    """Make another version of a key: it seals from now on, and all older ones go on opening what they sealed."""
    from console.terminal import out
    from sealing.making import rotate as make_another

    out.print(f"{make_another(root, name)} seals", markup=False)


@keys.command("list", epilog=example("madoguchi keys list"))
@KEYRING
def list_(root: Path) -> None:
    """Show every version of every key: what it does, and the fingerprint (SHA-256) of its public half."""
    from console.terminal import table
    from sealing.making import states

    columns = ("key", "state", "made", "fingerprint")
    rows = [
        (
            f"{state.name}.{state.version}" if state.version else state.name,
            _state(state),
            f"{state.made:%Y-%m-%d}" if state.made else None,
            state.fingerprint[:_SHOWN] if state.fingerprint else None,
        )
        for state in states(root)
    ]
    table(f"Keyring {root}", columns, rows)


@keys.command(epilog=example("madoguchi keys destroy 5y-2020 --as sato --reason 保存期間（5年）が満了したため"))
@NAME
@AS
@click.option("--reason", required=True, help="Why: it stays in the certificate.")
@KEYRING
def destroy(name: str, account: str | None, reason: str, root: Path) -> None:
    """Ask for the destruction of a key with all its versions; nothing is destroyed until a colleague confirms."""
    from access.roles import RECORDS_OFFICER
    from console.terminal import out
    from console.tokens import staff_with
    from sealing.certificates import unreadable
    from sealing.destroying import ask
    from sealing.keyring import fiscal_year

    request = ask(root, name, by=staff_with(RECORDS_OFFICER, account), reason=reason, at=_now())
    retention, _, year = request.key.partition("-")
    words = unreadable(retention, int(year))
    out.print(f"{name} の廃棄を依頼しました。別の担当者が確認すると、元に戻せません。\n  {words.ja}", markup=False)
    out.print(f"{name}: asked for; once a colleague confirms there is no way back.\n  {words.en}", markup=False)
    if int(year) >= fiscal_year(request.asked.at):
        out.print(f"{STILL_SEALS[0]}\n{STILL_SEALS[1]}", markup=False)


@keys.command(epilog=example("madoguchi keys confirm 5y-2020 --as tanaka"))
@NAME
@AS
@KEYRING
def confirm(name: str, account: str | None, root: Path) -> None:
    """Confirm what a colleague asked for: the key is destroyed, and a certificate stays. Say it again after a crash."""
    from access.roles import RECORDS_OFFICER
    from console.terminal import out
    from console.tokens import staff_with
    from sealing.destroying import confirm as confirm_destruction
    from sealing.folders import Folders

    certificate = confirm_destruction(root, name, by=staff_with(RECORDS_OFFICER, account), at=_now())
    gone = ", ".join(version.version for version in certificate.versions)
    out.print(f"{name} を廃棄しました（{gone}）。廃棄証明書: {Folders(root).certificate(name)}", markup=False)
    out.print(f"{name}: destroyed ({gone}). The certificate: {Folders(root).certificate(name)}", markup=False)
    for note in certificate.back_ups:
        where = f"{note.file} ({note.at:%Y-%m-%d}, {note.id})"
        out.print(
            f"⚠ この鍵が残るバックアップです。廃棄してください / still holds it, destroy it too: {where}", markup=False
        )


@keys.command(epilog=example("madoguchi keys withdraw 5y-2020"))
@NAME
@KEYRING
def withdraw(name: str, root: Path) -> None:
    """Take back a request that nobody has confirmed."""
    from console.terminal import out
    from sealing.destroying import withdraw as take_back

    take_back(root, name)
    out.print(f"{name} の廃棄の依頼を取り下げました。 / The request is taken back.", markup=False)


@keys.command("back-up", epilog=example("madoguchi keys back-up /media/usb/keys-2026-04-01"))
@click.argument("file", type=click.Path(path_type=Path))
@KEYRING
def back_up(file: Path, root: Path) -> None:
    """Write all keys and certificates to one new encrypted file. The passphrase is asked for, or MADOGUCHI_KEYRING_PASSPHRASE."""
    from console.terminal import out
    from sealing.back_ups import back_up as write

    note = write(root, file, _passphrase(confirm=True), _now())
    out.print(
        f"back-up {note.id}: holds {', '.join(note.keys) or 'no key'}; SHA-256 {note.sha256_of_file}", markup=False
    )


@keys.command(epilog=example("madoguchi keys restore /media/usb/keys-2026-04-01 --keyring /var/lib/madoguchi/keyring"))
@click.argument("file", type=click.Path(path_type=Path))
@KEYRING
def restore(file: Path, root: Path) -> None:
    """Put back what a back-up holds and is missing here: never a destroyed key, never over another one; all of it or nothing."""
    from console.terminal import out
    from sealing.back_ups import restore as put_back

    found = put_back(root, file, _passphrase(confirm=False))
    lines = {"put back": found.put_back, "here already": found.here_already, "destroyed, left out": found.destroyed}
    for what, versions in lines.items():
        out.print(f"{what}: {', '.join(versions) or '–'}", markup=False)


def _passphrase(*, confirm: bool) -> str:
    given = PassphraseSettings().keyring_passphrase
    if given:
        return given.get_secret_value()
    return click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)


def _state(state: "KeyState") -> str:
    if state.destroyed:
        return "destroyed"
    doing = "seals" if state.seals else "opens"
    return f"{doing}, destruction asked for" if state.asked_to_be_destroyed else doing


def _home() -> Path:
    from deploy.local import LocalSettings
    from deploy.local.home import home_of

    return home_of(LocalSettings()).keyring


def _now() -> datetime:
    from sealing.keyring import JST

    return datetime.now(JST).replace(microsecond=0)
