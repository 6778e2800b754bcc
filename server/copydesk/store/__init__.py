"""Records on disk: one append-only file a session, and the state derived from it. Start with `records`."""
