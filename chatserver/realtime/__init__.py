"""Open connections: fan-out, presence, read positions."""
