"""Conversations: sessions, the host of many, review of what they propose. Knows no protocol. Start with `host`."""
