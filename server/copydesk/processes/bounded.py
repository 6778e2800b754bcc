"""What is kept of an output that may have no end.

Knows nothing of where it comes from. Start with `Bounded`.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Bounded:
    """Keeps the head and the tail of a stream within `limit_bytes`: errors stand at either end."""

    limit_bytes: int
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    cut_bytes: int = 0

    def add(self, chunk: bytes) -> None:
        room = max(0, self.limit_bytes // 2 - len(self.head))
        self.head += chunk[:room]
        self.tail += chunk[room:]
        excess = len(self.tail) - (self.limit_bytes - self.limit_bytes // 2)
        if excess > 0:
            del self.tail[:excess]
            self.cut_bytes += excess

    def value(self) -> bytes:
        """With a line in the middle that says how much is missing there."""
        if not self.cut_bytes:
            return bytes(self.head + self.tail)
        return bytes(self.head) + f"\n… {self.cut_bytes} bytes left out …\n".encode() + bytes(self.tail)
