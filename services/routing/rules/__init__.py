"""What routing decides. Pure: the standard library only; time, ids and rows are arguments.

The vocabulary is OMG DMN's (1.3 and later): a decision table has input clauses, output clauses and rules; a rule's input
entries are S-FEEL unary tests.

    values.py, cells.py, sfeel.py     FEEL values, unary tests as data, both as text
    tables.py, hits.py                decision tables as data, and what they put out under their hit policies
    interpreting.py                   what a table means, plainly: all else is checked against it
    compiling.py (indexing, memos)    a table that decides a million times a second
    explaining.py                     why it decided so, and why not otherwise
    completions.py (unknowns)         what facts that are missing could still say, and whether that matters
    proving.py (grids, covering, …)   gaps, overlaps, conflicts, shadowed rows, each with a case that shows it
    organisation.py (consistency, …)  units with their days, who takes over, what changed between two snapshots
    clock.py, calendars.py, stages.py, periods.py   the statutory clock
    rule_sets.py, assigning.py        all of it together: who is responsible for an application
    deadlines.py                      where the clock of a case stands, after all that happened to it
    completeness.py, lifecycle.py     what is wrong with a rule set, and how one comes into force
    backtesting.py (eras), learning.py, mining.py  a rule set beside a history, and what a history suggests
"""
