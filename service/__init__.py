"""HTTP: what the other rooms decide, asked for and answered as JSON."""
