"""Failures that only the door can tell apart, as kinds of `ConnectionLost`. Needs no HTTP client to be imported."""

from copydesk.domain import errors


class Unsent:
    """Mixed into failures before anybody has seen the request: it cannot have cost anything."""


class NoConnection(errors.ConnectionLost, Unsent):
    """The host cannot be reached."""


class NoConnectionInTime(errors.ModelTimeout, Unsent):
    """The host cannot be reached, and does not say so; or no connection to it was free."""


class StaleConnection(errors.ConnectionLost, Unsent):
    """A kept-alive connection was closed by the host before it answered: trying again at once is right."""


class NothingListens(errors.ConnectionLost, Unsent):
    """This machine refused the connection: no server runs at that port, and waiting will not start one."""
