"""`python -m chatserver.files.images`: started by `files/pictures.py`."""

from chatserver.files.images.worker import main

main()
