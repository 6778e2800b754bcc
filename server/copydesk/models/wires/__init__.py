"""Provider wires: one pair of modules a family, decode (events of the stream → ours) apart from encode.

Neither half does I/O. Start with `Wire`; `remote.WIRES` has them all.
"""

from typing import Protocol

from copydesk.domain.stream import ModelRequest, StreamEvent
from copydesk.models.catalog import Entry
from copydesk.models.failures import Origin
from copydesk.models.sse import ServerSentEvent


class Decoder(Protocol):
    """One answer. `feed` and `end` raise only `ModelError`. Exactly one `Finished` comes out, last."""

    @property
    def done(self) -> bool:
        """`Finished` was given."""
        ...

    @property
    def ending(self) -> bool:
        """The reason for the end is known; only usage and the end marker can follow."""
        ...

    def feed(self, event: ServerSentEvent) -> list[StreamEvent]: ...

    def whole(self, body: str) -> list[StreamEvent]:
        """A whole answer in one JSON body, from a server that does not stream; ends with `Finished`."""
        ...

    def end(self) -> list[StreamEvent]:
        """The bytes are over. Gives what is held back, and `Finished` unless it was given."""
        ...


class Wire(Protocol):
    """One family of APIs. Stateless."""

    def path(self, model: str) -> str:
        """What goes behind the base URL for a streamed answer of this model."""
        ...

    def headers(self, key: str) -> dict[str, str]: ...

    def headers_for(self, entry: Entry) -> dict[str, str]:
        """What a model wants besides."""
        ...

    def encode(self, request: ModelRequest, model: str, entry: Entry) -> bytes: ...

    def decoder(self, origin: Origin) -> Decoder: ...
