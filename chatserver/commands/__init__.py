"""Commands other than `serve`, one module per noun; `__main__` assembles them."""
