"""What a recording is, and where recordings come from."""
