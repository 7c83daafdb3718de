"""Commands on messages and rooms, and reading of history."""
