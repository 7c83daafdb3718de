"""Files of messages: storage of their bytes, uploads, pictures, access and deletion."""
