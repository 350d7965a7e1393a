"""City packs: a city as data, no code."""
