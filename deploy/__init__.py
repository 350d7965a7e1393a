"""How Madoguchi is run: on this machine, with containers, on a cluster."""
