"""Persistence: events, rooms, users and search. Only this package imports SQLAlchemy."""
