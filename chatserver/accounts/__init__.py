"""Accounts, invitations, sessions and signing keys."""
