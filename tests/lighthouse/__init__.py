"""Lighthouse over the login page and the chat page. `make check-web`."""
