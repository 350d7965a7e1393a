"""The chassis's own decisions, run under random schedules of crashes, zombies, repeats, losses and growing topics.

Only what surrounds the decisions is modelled: PostgreSQL (`postgres`), Kafka (`world`), processes that may be killed or left
behind at any `yield` (`processes`). `python -m tests.protocol --runs 1000 --seed 0 [--plant NAME]`.
"""
