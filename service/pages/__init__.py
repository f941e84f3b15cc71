"""The pages that people look at: plain HTML that works without scripts, and quicker with one (htmx)."""
