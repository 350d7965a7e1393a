"""`python -m tests.protocol --runs 1000 --seed 0 [--plant "no row lock"]`."""

import argparse
import sys

from tests.protocol.decisions import BUGS, Decisions, planted
from tests.protocol.schedules import violation


def main() -> None:
    """Say how many schedules went well, or the first that did not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plant", choices=BUGS, default="")
    arguments = parser.parse_args()
    decisions = planted(arguments.plant) if arguments.plant else Decisions()
    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        if why := violation(seed, decisions):
            sys.exit(f"seed {seed}: {why}")
    sys.stdout.write(f"{arguments.runs} schedules, no violation\n")


if __name__ == "__main__":
    main()
