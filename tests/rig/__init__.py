"""Real programs for tests, each private to the test run and removed at its end."""
