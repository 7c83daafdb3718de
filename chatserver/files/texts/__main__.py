"""`python -m chatserver.files.texts`: started by `files/text_extraction.py`."""

from chatserver.files.texts.worker import main

main()
