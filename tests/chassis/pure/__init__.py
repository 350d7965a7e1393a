"""The chassis's decisions, one by one: no server, no clock."""
