"""The chassis's own decisions under random schedules: crashes, zombies, repeats, losses, poison, growing topics.

What decides is the real code (`decisions.py` lists it); PostgreSQL, Kafka and the processes are modelled. One schedule is one
seed: `python -m tests.simulation --seed 42 --trace` repeats it word for word. `bugs.py` plants mistakes, each of which must
be found.

    schedule ──► processes ──► decisions (chassis)
        │            │
        └─► checks ──┴─► world (PostgreSQL, Kafka)
"""
