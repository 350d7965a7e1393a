"""What of the one lock goes into the image. With the standard library alone, as nothing is installed there yet.

python deploy/compose/pick.py deploy/compose/services.txt   those packages of requirements.lock, with their hashes
python -m deploy.compose.pick --write                       write the lists anew, after a change of dependencies

A list is every package that its roots need, one a line. It can be too short for no image: pip, told to require hashes,
installs nothing that is not listed. That it is not too long is tested (tests/deploy/test_image.py).
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LOCK = ROOT / "requirements.lock"
EXTRAS = ("access", "notify", "archive", "packs")
MAIL = ("aiosmtpd", "psutil")  # the mail catcher


def entries(lock: str) -> dict[str, str]:
    """Every package of a lock, with the lines that pin it: several versions, where that depends on the Python."""
    found: dict[str, str] = {}
    for entry in re.split(r"(?m)^(?=[a-z0-9])", lock):
        if "==" in entry:
            name = entry.split("==")[0]
            found[name] = found.get(name, "") + entry
    return found


def picked(lock: str, names: Iterable[str]) -> str:
    """The part of a lock that pins `names`. Raises KeyError for a name that it does not pin."""
    pinned = entries(lock)
    return "".join(pinned[name] for name in names)


def roots() -> dict[str, tuple[str, ...]]:
    """What each list starts from: what the services import, and what builds the wheel."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    optional = project["project"]["optional-dependencies"]
    services = [*project["project"]["dependencies"], *(line for extra in EXTRAS for line in optional[extra]), *MAIL]
    return {"services.txt": tuple(services), "build.txt": tuple(project["build-system"]["requires"])}


def needed(requirements: Iterable[str]) -> list[str]:
    """The names of `requirements` and of all that those need here, from what is installed in this environment."""
    seen: set[tuple[str, str]] = set()
    todo = [(requirement, "") for requirement in requirements]
    while todo:
        found = set(_named(*todo.pop())) - seen
        seen |= found
        todo += [(line, extra) for name, extra in found for line in _requires(name)]
    return sorted({name for name, _ in seen})


def _named(requirement: str, extra: str) -> Iterator[tuple[str, str]]:
    """The package that a requirement of `extra` names, once for itself and once an extra; nothing where it is not for here."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    wanted = Requirement(requirement)
    if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
        yield from ((canonicalize_name(wanted.name), name) for name in ("", *sorted(wanted.extras)))


def _requires(name: str) -> list[str]:
    from importlib.metadata import requires

    return requires(name) or []


def main() -> None:
    """See the module's docstring."""
    if sys.argv[1:] == ["--write"]:
        for name, start in roots().items():
            (HERE / name).write_text("".join(f"{package}\n" for package in needed(start)), encoding="utf-8")
    elif len(sys.argv) == 2:
        names = Path(sys.argv[1]).read_text(encoding="utf-8").split()
        sys.stdout.write(picked(LOCK.read_text(encoding="utf-8"), names))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
