"""The whole catalogue at once: every duplicate found, decided and put into clusters."""
