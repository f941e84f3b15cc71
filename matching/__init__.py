"""From neighbours to pair features, to a match probability, to a class."""
