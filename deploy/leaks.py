"""Secrets that stand in files under version control: `python -m deploy.leaks`, a part of `make check`.

The patterns are those of detect-secrets that need no guessing (tokens with a mark of their maker, private keys, passwords within
addresses), and those of our own API keys. Its guesses by entropy and by keyword are left out: in a repository of digests and
examples they are all false. Its own scanner takes 12 s here, as it asks 15 filters about every line; its patterns take less than one.

Example:
  python -m deploy.leaks
  python -m deploy.leaks docs/keys.md
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.plugins.base import RegexBasedDetector

ROOT = Path(__file__).parents[1]
GUESSES = {"Public IP (ipv4)"}
OURS = (
    ("Madoguchi API key", re.compile(r"mdg_[a-z0-9]{10}_[0-9a-f]{64}")),
    ("private half of a sealing key", re.compile(r'"private": ?"[A-Za-z0-9_-]{43}="')),
    ("Vault token", re.compile(r"\bhv[sbr]\.[A-Za-z0-9_-]{24,}")),
    (
        "secret of a service",
        re.compile(r"MADOGUCHI_[A-Z_]*(?:TOKEN_KEY|SECRET|PASSWORD|PASSPHRASE)[\"']?[=:] ?[\"']?[A-Za-z0-9+/_-]{20,}"),
    ),
)
MADE_UP = {
    "hunter2": "the password that everybody knows, in tests of what is printed",
    "password": "a word in an error message",
    "secret": "a password that tests make up",
}
"""What a pattern finds and nobody guards."""

_GAP = re.compile(r"\{[^{}]+\}|…")  # filled in by a program, or by the reader

Pattern = tuple[str, re.Pattern[str]]


def patterns() -> list[Pattern]:
    """(name, pattern) of everything that is looked for."""
    found = [
        (name, pattern)
        for name, detector in get_mapping_from_secret_type_to_class().items()
        if issubclass(detector, RegexBasedDetector) and name not in GUESSES
        for pattern in detector.denylist  # pyright: ignore[reportGeneralTypeIssues]  a property in one abstract base
    ]
    return [*found, *OURS]


def leaks_in(text: str, wanted: Iterable[Pattern]) -> Iterator[tuple[int, str]]:
    """(line, name) of every secret in a text; never the secret."""
    for name, pattern in wanted:
        for found in pattern.finditer(text):
            parts = {part for part in (found.group(), *found.groups()) if part}
            if not parts & MADE_UP.keys() and not any(map(_GAP.fullmatch, parts)):
                yield text.count("\n", 0, found.start()) + 1, name


def tracked() -> list[Path]:
    """The files under version control, or all that are not made by a build where there is no git."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in ROOT.rglob("*") if not {".venv", ".madoguchi", ".git", "dist"} & set(path.parts)]


def main() -> None:
    """`python -m deploy.leaks`."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.leaks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, help="files to look into instead of all under version control")
    wanted, files = patterns(), parser.parse_args().files or tracked()
    found = [
        f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}:{line}: {name}"
        for path in files
        if path.is_file()
        for line, name in leaks_in(path.read_text("utf-8", errors="replace"), wanted)
    ]
    if found:
        sys.exit("\n".join([*found, "Take the secret out and make another: who has the history has this one."]))
    print(
        f"no secret in {len(files)} files as they are now ({len(wanted)} patterns, no network); earlier commits: NOT LOOKED AT"
    )


if __name__ == "__main__":
    main()
