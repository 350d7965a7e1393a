"""`madoguchi rules`: decision tables, tried out, proposed and approved."""

import click

from console.helping import example
from console.lazily import commands

COMMANDS = {
    "propose": "console.rule_sets:propose",
    "list": "console.rule_sets:list_",
    "backtest": "console.backtesting:backtest",
    "back-tested": "console.rule_sets:back_tested",
    "approve": "console.rule_sets:approve",
    "withdraw": "console.rule_sets:withdraw",
    "learn": "console.learning:learn",
    "suggest": "console.suggesting:suggest",
    "accept": "console.accepting:accept",
    "decline": "console.accepting:decline",
    "train-text": "console.free_texts:train_text",
    "suggest-text": "console.free_texts:suggest_text",
    "tck": "console.tck:tck",
}


@click.group(
    cls=commands(COMMANDS),
    epilog=example(
        "madoguchi rules propose my-city --as clerk --note '四月一日の組織改正のため'",
        "madoguchi rules list --as clerk",
        "madoguchi rules backtest --city cities/kushiro --history requests.csv --mapping boston",
    ),
)
def rules() -> None:
    """Decision tables: proposed, tried, approved; and the test kit they pass."""
