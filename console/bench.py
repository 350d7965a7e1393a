"""`madoguchi bench`: the benchmarks, whose own options are passed on."""

import runpy
import sys

import click

from console.helping import example

BENCHMARKS = ("e2e", "consuming", "rules", "proving", "backtest", "free_text")


@click.command(
    epilog=example("madoguchi bench e2e", "madoguchi bench rules", "madoguchi bench e2e -- --help    its options"),
    context_settings={"ignore_unknown_options": True},
)
@click.argument("name", type=click.Choice(BENCHMARKS))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def bench(name: str, options: tuple[str, ...]) -> None:
    """Measure what the product costs, beside its rivals, in one run, on servers of its own."""
    sys.argv = [f"madoguchi bench {name}", *options]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)
