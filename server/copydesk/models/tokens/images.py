"""What an image costs in tokens: its size in pixels, read from its first bytes, and each family's rule.

Rules: OpenAI's tiles (gpt-4o) and patches (32 pixels, 1.2 tokens each), Anthropic's patches (28 pixels, the image
scaled down to its limit), Gemini's tiles of 768 pixels and, since 3, one price for all. Start with `tokens`.
"""

import base64
import binascii
import struct
from collections.abc import Callable

from copydesk.domain.messages import Image
from copydesk.models.tokens.families import Vision

HEAD_CHARS = 64 * 1024
"""Base64 that is decoded: a JPEG's size stands behind its metadata."""
UNKNOWN = (1024, 1024)
_SCAN = b"\xc0\xc1\xc2\xc3\xc5\xc6\xc7\xc9\xca\xcb\xcd\xce\xcf"


def tokens(image: Image, vision: Vision) -> float:
    """Of one image; one whose size cannot be read counts as a middling one."""
    width, height = size(image.data)
    return _RULES[vision](width, height)


def size(data: str) -> tuple[int, int]:
    """Width and height in pixels of a PNG, JPEG, GIF or WebP."""
    try:
        head = base64.b64decode(data[:HEAD_CHARS].rstrip("=")[: HEAD_CHARS // 4 * 4] + "==")
        width, height = _size(head)
    except (ValueError, binascii.Error, struct.error, IndexError):
        return UNKNOWN
    return (width, height) if width > 0 and height > 0 else UNKNOWN


def _size(head: bytes) -> tuple[int, int]:
    if head.startswith(b"\x89PNG"):
        return struct.unpack(">II", head[16:24])
    if head.startswith(b"GIF8"):
        return struct.unpack("<HH", head[6:10])
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head)
    if head.startswith(b"\xff\xd8"):
        return _jpeg(head)
    return UNKNOWN


def _webp(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _jpeg(head: bytes) -> tuple[int, int]:
    """Steps from segment to segment until the one that begins the picture."""
    at = 2
    while at + 9 <= len(head):
        if head[at] != 0xFF:
            return UNKNOWN
        if head[at + 1] in _SCAN:
            height, width = struct.unpack(">HH", head[at + 5 : at + 9])
            return width, height
        at += 2 + struct.unpack(">H", head[at + 2 : at + 4])[0]
    return UNKNOWN


def _patches(width: float, height: float, side: int) -> float:
    return -(-width // side) * -(-height // side)


def _openai_patches(width: int, height: int) -> float:
    return min(_patches(width, height, 32), 12_000) * 1.2


def _openai_tiles(width: int, height: int) -> float:
    scale = min(1.0, 2048 / max(width, height))
    scale = min(scale, 768 / min(width, height))
    return 85 + 170 * _patches(width * scale, height * scale, 512)


def _claude(longest: int, most: int) -> Callable[[int, int], float]:
    def rule(width: int, height: int) -> float:
        scale = min(1.0, longest / max(width, height))
        return min(_patches(width * scale, height * scale, 28), most) + 4

    return rule


def _gemini_tiles(width: int, height: int) -> float:
    return 258 if max(width, height) <= 384 else 258 * _patches(width, height, 768)


_RULES: dict[Vision, Callable[[int, int], float]] = {
    "patches": _openai_patches,
    "tiles": _openai_tiles,
    "claude": _claude(1568, 1_600),
    "claude large": _claude(2040, 4_000),
    "gemini": lambda width, height: 1_100,
    "gemini tiles": _gemini_tiles,
    "other": lambda width, height: min(_patches(width, height, 28), 4_096),
}
