"""Keys of the table `meta`."""

EPOCH = "epoch"  # the random name of the log
SET_UP_AT = "set_up_at"  # when the first account was created (ms)
SERVER_NAME = "server_name"  # as an administrator has set it
SERVER_LOGO = "server_logo"  # id of a file
LAST_NIGHT = "night"  # start of the last nightly run (ms)
NIGHTLY_RUN = "nights"  # record of the nightly runs: see `nightly_runs`
EMPTIED = "empty"  # characters deleted since the SQLite file was rewritten: see `retention`
COMPACTED = "search_compacted"  # whether deleted words are in the SQLite file: see `search_index`
TEXTS_COMPACTED = "search_texts_compacted"  # the same for the texts of files
PUSH_KEY = "push_key"  # private key of web push: see `push_key`
PROBE = "probe"  # prefix of keys that a health check inserts and deletes

# What has no meaning in another database: archives do not contain it.
OF_ONE_DATABASE = (LAST_NIGHT, NIGHTLY_RUN, EMPTIED, COMPACTED, TEXTS_COMPACTED, PUSH_KEY)
