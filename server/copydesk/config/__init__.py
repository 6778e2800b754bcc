"""Layered settings becoming one frozen object. Reads files; knows no policy. Start with `settings`."""
