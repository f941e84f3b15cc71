"""From vectors to nearest neighbours; a published build is never edited."""
