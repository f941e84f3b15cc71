"""Quality and speed, measured in one run and written as one JSON file each; nothing imports this."""
