"""The real programs that the tests run against, each private to the run and gone when it ends."""
