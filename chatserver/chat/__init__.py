"""Rules of messages, rooms and history."""
