"""Input that is meant to break the server, and people who are not meant to be in."""
