"""The departments' work: worklists, claims, corrections, decisions. It decides nothing by itself: people decide here."""
