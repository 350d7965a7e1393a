"""Decision tables as files: CSV and XLSX, which a person edits, and DMN XML, which the tools people have read and write.

A sheet, whether CSV or XLSX (the two differ in nothing but the file):

    F        | in:procedure       | in:age:number | out:department | out:days:number | note:reason
    allowed  | "noise", "road.ice"| [0..120]      |                |                 |
    R1       | "road.ice"         | -             | doro-iji       | 3               | 国道のため。
    R2       | "noise"            | >= 18         | kankyo-hozen   | 14              | 公害のため。

The first line heads it: the hit policy, then `in:NAME[:KIND]`, `out:NAME[:KIND]` and `note:NAME`. An input's kind is that of
its cells, an output's is string, unless the head says another. Two lines may follow: `allowed` gives the values that can
occur (inputs: a unary test; outputs: a list from the most important to the least), `default` what is put out when no rule
holds. Every other line is a rule: its name, S-FEEL unary tests, literals (a string may stand bare), notes. Empty input cells
are `-`, empty outputs are null, empty lines are nothing.

    drafts.py      a table as texts with their places; checked once, for all formats
    entries.py     entries as text that every file can hold
    grid.py        a sheet of text cells, read
    grid_writing.py                        and written
    insertion.py   a row to be put into a sheet
    csv_tables.py  CSV
    xlsx.py        Excel workbooks
    dmn.py         DMN 1.2 to 1.5 XML, read
    dmn_writing.py DMN 1.3 XML, written
    item_definitions.py                    and its types
    names.py       FEEL names and the paths they begin
    tck_cases.py   test cases of the DMN Technology Compatibility Kit, read
    tck.py         test cases, run

Whatever cannot be read raises `InvalidTable`, which lists up to twenty faults with their places.
"""
