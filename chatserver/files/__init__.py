"""Files of messages: storage of their bytes, uploads, media, access and deletion."""
