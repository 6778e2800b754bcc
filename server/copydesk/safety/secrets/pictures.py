"""Text that is a picture: the base64 of one, as requests to models carry it, or a data URI of it.

Every stretch of it looks random, and none of it is anybody's secret by its look. Start with `is_picture`.
"""

import re
from typing import Final

MIN_CHARS: Final = 64
_HEAD = re.compile(r"(?:data:image/[a-z+.-]{1,20};base64,)?(?=iVBORw0KGg|/9j/|R0lGOD[dl]h|UklGR)")
_BODY = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def is_picture(text: str) -> bool:
    """Whether all of it is one PNG, JPEG, GIF or WebP in base64."""
    if len(text) < MIN_CHARS or (head := _HEAD.match(text)) is None:
        return False
    return _BODY.fullmatch(text, head.end()) is not None
