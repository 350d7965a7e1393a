"""`madoguchi demo`: the whole way once, on this machine."""

import asyncio
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from channels.bulk.importing import Imported
    from console.balance import Row
    from console.city import City
    from console.patience import Patience
    from deploy.local import LocalSettings

SECONDS = 300
TELL_SECONDS = 15
UP_AGAIN = 3
STILL_SECONDS = 45
"""When nothing has moved for so long, waiting is no use."""

CASES = 20
REAL = Path("shared") / "data" / "requests" / "boston_2011H2_A.csv.gz"
REAL_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Sample:
    """What is imported."""

    file: Path
    mapping: str
    rows: int | None


@click.command(
    epilog=example("madoguchi demo", "madoguchi demo --once --file requests.csv.gz --mapping boston --rows 500")
)
@click.option("--once", is_flag=True, help="For machines: exit code 0 only when everything adds up.")
@click.option("--rows", type=click.IntRange(min=1), help="Only the first N rows of the file.")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file of your own.")
@click.option("--mapping", help="The mapping of that file.")
def demo(once: bool, rows: int | None, file: Path | None, mapping: str | None) -> None:  # noqa: FBT001
    """Start the city, import applications, work some cases, and reconcile everything. Takes a minute; safe to repeat.

    Processes may be killed meanwhile: they are started again, and it adds up all the same.
    """
    if (file is None) != (mapping is None):
        raise click.UsageError("--file and --mapping go together.")
    from console.balance import adds_up
    from console.importing import check_mapping
    from console.reconciling import show
    from deploy.local import LocalSettings

    settings = LocalSettings()
    sample = Sample(file, mapping, rows) if file and mapping else _sample(settings, rows)
    check_mapping(sample.mapping)
    found = asyncio.run(_demonstrate(settings, _up(settings), sample))
    show(found, None)
    sys.exit(1 if once and not adds_up(found) else 0)


def _up(settings: "LocalSettings") -> "City":
    """The city up, begun again a few times when something is killed meanwhile."""
    from console.errors import Trouble
    from console.patience import PAUSE, is_passing
    from console.starting import city_up
    from console.terminal import say

    for _ in range(UP_AGAIN):
        try:
            return city_up(settings, say)
        except Exception as error:
            if not is_passing(error) and not isinstance(error, Trouble):
                raise
            say(f"something ended while the city was starting ({type(error).__name__}): beginning again")
            time.sleep(PAUSE)
    return city_up(settings, say)


def _sample(settings: "LocalSettings", rows: int | None) -> Sample:
    """A real city's file where it lies beside the project, else a generated one."""
    from channels.bulk.sample import write_sample
    from deploy.local.home import home_of
    from deploy.local.services import PACKAGES

    real = PACKAGES.parent / REAL
    if real.exists():
        return Sample(real, "boston", rows or REAL_ROWS)
    generated = home_of(settings).root / "sample.csv"
    generated.parent.mkdir(parents=True, exist_ok=True)
    write_sample(generated)
    return Sample(generated, "sample", rows)


async def _demonstrate(settings: "LocalSettings", city: "City", sample: Sample) -> "list[Row]":
    from console import citizen, stages
    from console.patience import patience
    from console.reconciliation import settled
    from console.terminal import err, say

    patient = patience(SECONDS, Mender(settings).mend)
    done = await patient.persist(lambda: _import(city, sample))
    say(f"{done.rows:,} rows published as {done.source}, at {done.rows / max(done.seconds, 0.001):,.0f} a second")
    await stages.watch(city, done, patient)
    await _worked(city, patient)
    await citizen.apply(city, patient)
    _where(city)
    with err.status("counting") as spinner:
        return await settled(city, None, patient, spinner.update, STILL_SECONDS)


async def _import(city: "City", sample: Sample) -> "Imported":
    from console.importing import import_with_progress

    return await import_with_progress(city, sample.file, sample.mapping, sample.rows)


async def _worked(city: "City", patient: "Patience") -> None:
    from console import clerk
    from console.terminal import err, say

    with err.status("a clerk works the most urgent cases") as spinner:
        closed = await clerk.work(city, CASES, patient)
        spinner.update("waiting for their records")
        sealed = await clerk.sealed(city, closed, patient)
    say(f"{len(closed)} cases claimed, decided and closed by {clerk.STAFF}; {sealed} records sealed")


@dataclass(slots=True)
class Mender:
    """Starts the supervisor again when it was killed; the supervisor mends the rest."""

    settings: "LocalSettings"
    told: float = 0.0

    async def mend(self) -> None:
        """Called while a server is away."""
        from deploy.local.home import home_of
        from deploy.local.services import supervisors

        self._tell()
        if not supervisors(home_of(self.settings)):
            await self._up()

    async def _up(self) -> None:
        from console.patience import is_passing
        from console.starting import city_up
        from console.terminal import say
        from deploy.local import StackError

        try:
            await asyncio.to_thread(city_up, self.settings, say)
        except (click.ClickException, StackError) as error:
            say(str(error))
        except Exception as error:
            if not is_passing(error):
                raise

    def _tell(self) -> None:
        from console.terminal import say

        if time.monotonic() - self.told > TELL_SECONDS:
            say("a server is away: trying again until it is back")
            self.told = time.monotonic()


def _where(city: "City") -> None:
    from console.running import places_of
    from console.terminal import table

    rows = [
        *((name, place.url) for name, place in city.services.items()),
        *places_of(city),
        *((f"tables of {name}", city.psql(name)) for name in city.services),
        ("what runs", "madoguchi status"),
    ]
    table("Where to look", ("what", "where"), rows)
