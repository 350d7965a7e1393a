"""What routing decides. Pure: the standard library only; time, ids and rows are arguments.

The vocabulary is OMG DMN's (1.3 and later): a decision table has input clauses, output clauses and rules; a rule's input
entries are S-FEEL unary tests.

    values.py      FEEL values: kinds, comparison, what a fact means in a clause of a kind
    cells.py       unary tests as data
    sfeel.py       unary tests and literals as text, read and written
    tables.py      decision tables as data
    assigning.py   who is responsible for an application
"""
