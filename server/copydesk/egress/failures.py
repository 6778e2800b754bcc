"""Failures that only the door can tell apart, as kinds of `ConnectionLost`. Needs no HTTP client to be imported."""

from copydesk.domain import errors


class StaleConnection(errors.ConnectionLost):
    """A kept-alive connection was closed by the host before it answered: trying again at once is right."""


class NothingListens(errors.ConnectionLost):
    """This machine refused the connection: no server runs at that port, and waiting will not start one."""
