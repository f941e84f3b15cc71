"""From a recording to one line of text to one unit vector."""
