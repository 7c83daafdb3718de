"""Lighthouse over the log-in page and the chat page. `make check-web`."""
