"""The words of Copydesk as frozen data: messages, stream events, tools, edits, session events, errors, ports.

Knows no I/O, no concurrency and no protocol. Start with `messages`, then `ports`.
"""
