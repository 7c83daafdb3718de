"""Attacks: input that is meant to break the server, and unauthorized access."""
