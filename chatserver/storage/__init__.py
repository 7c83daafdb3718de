"""Everything durable. SQLAlchemy is imported in this folder only."""
