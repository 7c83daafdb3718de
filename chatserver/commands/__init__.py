"""The commands besides `serve`, one module a noun; `__main__` puts them together."""
