"""docker-compose.yml as Compose reads it: merged, and its variables filled in."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "deploy" / "compose" / "env.example"
PLACES = ("_ISSUER", "_URL")
SECRET = "Aa0._~-Aa0._~-Aa0"

_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def example() -> dict[str, str]:
    """What env.example asks for, filled in."""
    names = re.findall(r"^(\w+)=$", EXAMPLE.read_text(), re.MULTILINE)
    return {name: f"https://{name.lower()}.example" if name.endswith(PLACES) else SECRET for name in names}


def fill(text: str, values: dict[str, str]) -> str:
    """`text` with its variables replaced. Raises KeyError for one without a value or default."""

    def value(found: re.Match[str]) -> str:
        given = values.get(found["name"])
        return given or (found["rest"] if found["kind"] == "-" else values[found["name"]])

    return _VARIABLE.sub(value, text)


def variables() -> dict[str, str | None]:
    """Every variable that the file asks for, with what it does without: "-" for a default, "?" for an error."""
    return {found["name"]: found["kind"] for found in _VARIABLE.finditer(FILE.read_text())}


def compose() -> dict[str, Any]:
    """The file, its variables filled in from env.example."""
    return yaml.safe_load(fill(FILE.read_text(), example()))


def container(name: str) -> dict[str, Any]:
    """One of its services."""
    return compose()["services"][name]


def environment(name: str) -> dict[str, str]:
    """The environment of one of its services."""
    return {variable: str(value) for variable, value in container(name)["environment"].items()}
