"""Web push: notifications to browsers whose pages are closed (RFC 8030)."""
