"""The shared runtime of every service: consume, journal, relay, lanes, parking, settings, migrations, telemetry, http.

It knows events, topics and transactions, and no word of what they are about.
"""
