"""`python -m chatserver.files.media`: started by `files/media_processor.py`."""

from chatserver.files.media.worker import main

main()
