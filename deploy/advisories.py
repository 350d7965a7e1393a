"""Known weaknesses of what requirements.lock pins: `python -m deploy.advisories`, a part of `make check`.

pip-audit asks the package index for its advisories. Where it cannot be asked (no network, a mirror that has none) this says so and
fails nobody's check: that nothing was found and that nothing was looked for are two different sentences.

Example:
  python -m deploy.advisories
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LOCK = Path(__file__).parents[1] / "requirements.lock"
SECONDS = 10


def ask(seconds: float) -> str | None:
    """What pip-audit says, as JSON; None when it says nothing in time."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
    options = ["--format", "json", "--progress-spinner", "off", "--timeout", "3"]
    try:
        answer = subprocess.run([*command, *options], capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None
    return answer.stdout or None


def judge(said: str | None) -> tuple[bool, str]:
    """Whether the check passes, and the sentence for it."""
    packages: Sequence[Any] = json.loads(said)["dependencies"] if said else ()
    weak = [f"{one['name']} {one['version']}: {_words(bad)}" for one in packages for bad in one.get("vulns", ())]
    looked = sum("skip_reason" not in one for one in packages)
    if weak:
        return False, "\n".join([*weak, "Raise the version in pyproject.toml and run `make lock`."])
    if not looked:
        return True, "advisories: NOT LOOKED AT, as no index that has any could be asked; nothing is known either way"
    skipped = f"; {len(packages) - looked} could not be looked at" if looked < len(packages) else ""
    return True, f"advisories: none for {looked} packages{skipped}"


def _words(found: Any) -> str:
    return f"{found['id']}, mended in {', '.join(found['fix_versions']) or 'no version yet'}"


def main() -> None:
    """`python -m deploy.advisories`."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.advisories", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    passes, sentence = judge(ask(SECONDS))
    if not passes:
        sys.exit(sentence)
    print(sentence)


if __name__ == "__main__":
    main()
