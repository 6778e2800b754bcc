"""What a session's model was shown of each file, so that a quote from memory can be told from one of stale text.

Bounded in files and characters: the longest unread ones are forgotten first. Knows no tool. Start with `Reads`.
"""

from collections import OrderedDict

MAX_FILES = 200
MAX_CHARS = 20_000_000


class Reads:
    """Texts by URI, the last shown one last."""

    def __init__(self, max_files: int = MAX_FILES, max_chars: int = MAX_CHARS) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._max_files = max_files
        self._max_chars = max_chars
        self._n_chars = 0

    def note(self, uri: str, text: str) -> None:
        self._n_chars += len(text) - len(self._texts.pop(uri, ""))
        self._texts[uri] = text
        while len(self._texts) > self._max_files or self._n_chars > self._max_chars:
            _, forgotten = self._texts.popitem(last=False)
            self._n_chars -= len(forgotten)

    def get(self, uri: str) -> str | None:
        return self._texts.get(uri)
