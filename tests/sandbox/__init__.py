"""Attacks on the sandboxes. Each is made without the guard too, where it has to succeed: else it proves nothing."""
