"""python -m tests.simulation --runs N --seed S [--plant NAME] [--trace]."""

import argparse
import sys
import time

from tests.simulation.bugs import BUGS
from tests.simulation.decisions import REAL, Decisions
from tests.simulation.running import Failure, first_failure, first_failure_of_many, run

PROCESSES = 2


def main() -> int:
    """Run schedules; 1 when one of them goes wrong."""
    options = _options()
    if options.trace:
        trace: list[str] = []
        failure = run(options.seed, _decisions(options.plant), trace)
        sys.stdout.writelines(f"{line}\n" for line in trace)
        return _tell(failure, "no violation", options.plant)
    started = time.perf_counter()
    if options.plant:
        failure = first_failure(range(options.seed, options.seed + options.runs), _decisions(options.plant))
    else:
        failure = first_failure_of_many(options.seed, options.runs, PROCESSES)
    seconds = time.perf_counter() - started
    return _tell(failure, f"{options.runs:,} schedules in {seconds:.1f} s, no violation", options.plant)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="how many schedules (1)")
    parser.add_argument("--seed", type=int, default=0, help="the first one's seed (0)")
    parser.add_argument("--plant", choices=sorted(BUGS), help="plant one bug")
    parser.add_argument("--trace", action="store_true", help="show what happens in schedule SEED")
    return parser.parse_args()


def _decisions(plant: str | None) -> Decisions:
    return BUGS[plant] if plant else REAL


def _tell(failure: Failure | None, well: str, plant: str | None) -> int:
    hint = f" --plant {plant}" if failure and plant else ""
    sys.stdout.write(f"{failure or well}{hint}\n")
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main())
