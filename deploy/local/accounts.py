"""Who can sign in with the local provider: an account of every role, with passwords made up once, readable by their owner only."""

import csv
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

import cities
from deploy.local.process import write_private

CLIENT_ID = "madoguchi-desk"
TRIAGE = "triage"
DEMO = "demo"


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """One account of the local provider."""

    staff: str
    password: str
    roles: tuple[str, ...]
    departments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Accounts:
    """All of them, and the secret of the desk as the provider's client."""

    client_secret: str
    accounts: tuple[LocalAccount, ...]

    def named(self, staff: str) -> LocalAccount | None:
        """An account by its name."""
        return next((one for one in self.accounts if one.staff == staff), None)


_ADAPTER = TypeAdapter(Accounts)


def departments() -> list[str]:
    """The codes of the city's departments; triage, where people decide who is responsible, comes last."""
    with (Path(cities.__path__[0]) / "kushiro" / "organisation.csv").open(encoding="utf-8-sig") as file:
        return [*(line["code"] for line in csv.DictReader(file) if line["code"] != TRIAGE), TRIAGE]


def accounts_in(folder: Path) -> Accounts:
    """Those kept in `folder`, made up where there are none yet."""
    path = folder / "accounts.json"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(path, _ADAPTER.dump_json(_made_up(departments()), indent=2))
    return _ADAPTER.validate_json(path.read_bytes())


def _made_up(codes: Sequence[str]) -> Accounts:
    one = ("doro-iji",) if "doro-iji" in codes else tuple(codes[:1])
    all_of_them = tuple(codes)
    roles = {
        "clerk": (("clerk",), one),
        "approver": (("approver",), one),
        "chief": (("chief",), one),
        "triage": (("clerk",), (TRIAGE,)),
        "numbers": (("clerk", "specific-personal-information-handler"), all_of_them),
        "records": (("records-officer",), ()),
        "manager": (("system-manager",), ()),
        "auditor": (("auditor",), ()),
        DEMO: (("clerk", "approver", "chief"), all_of_them),
    }
    made = (LocalAccount(name, secrets.token_urlsafe(9), *found) for name, found in roles.items())
    return Accounts(secrets.token_urlsafe(24), tuple(made))
