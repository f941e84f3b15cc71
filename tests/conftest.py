"""What holds for every test: no network."""

import os

# Set before any test module imports sentence_transformers, which reads it once.
os.environ["HF_HUB_OFFLINE"] = "1"
