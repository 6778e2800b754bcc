"""Images that a person gives with a prompt: read, checked by what they are, and refused with a reason.

Owns the checks and the limits. Files are jailed to the workspace unless the person named them on the command line. What
is not one of four formats by its own first bytes never becomes a message. Start with `read_images`.
"""

import base64
import binascii
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from copydesk.domain.errors import CopydeskError
from copydesk.domain.messages import Image
from copydesk.domain.models import ModelFacts
from copydesk.workspace.uris import to_path, to_uri

MAX_BYTES: Final = 5 * 1024 * 1024
"""Of one image. Anthropic's limit is the smallest of those of the providers."""
MAX_IMAGES: Final = 10
MAX_ALL_BYTES: Final = 15 * 1024 * 1024
FORMATS: Final = "PNG, JPEG, GIF or WebP"
_DATA: Final = "data:"


class BadImage(CopydeskError):
    """What was given as an image cannot be sent as one."""


Locate = Callable[[str], str]
"""A path or URI as the person wrote it → the URI of a file that may be read. Raises `OutsideWorkspace`."""


def locate_in(resolve: Locate, hides: Callable[[str], bool]) -> Locate:
    """For files of the workspace only, and only those that tools may read."""

    def locate(source: str) -> str:
        uri = resolve(source)
        if hides(uri):
            raise BadImage(f"{source!r} is not read: it holds secrets, or your rules say so.")
        return uri

    return locate


def locate_anywhere(source: str) -> str:
    """For what a person names on the command line."""
    return source if source.lower().startswith("file:") else to_uri(os.path.abspath(os.path.expanduser(source)))


def read_images(sources: Sequence[str], locate: Locate) -> tuple[Image, ...]:
    """Paths, file URIs or data URIs → image parts. Reads files; raises `BadImage`, and what `locate` raises."""
    if len(sources) > MAX_IMAGES:
        raise BadImage(f"{len(sources)} images were given; a prompt takes {MAX_IMAGES}.", advice="Give fewer.")
    images: list[Image] = []
    n_bytes = 0
    for source in sources:
        data = _data(source) if source[:5].lower() == _DATA else _file(source, locate)
        n_bytes += len(data)
        if n_bytes > MAX_ALL_BYTES:
            raise BadImage(f"The images are larger than {_mb(MAX_ALL_BYTES)} together.", advice="Give fewer.")
        images.append(Image(media_type(data, _name(source)), base64.b64encode(data).decode("ascii")))
    return tuple(images)


def media_type(data: bytes, name: str) -> str:
    """What the bytes are, by their header and their end of it. Raises `BadImage`."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    kind = "empty" if not data else f"none of {FORMATS}"
    raise BadImage(f"{name} is {kind}, by its first bytes.", advice="Convert it, or leave it out.")


def refuse_where_unseen(images: Sequence[Image], model: str, facts: ModelFacts) -> None:
    """Raises `BadImage` where the model takes none. One that nobody knows is believed to."""
    if images and facts.known and not facts.images:
        n = "an image was" if len(images) == 1 else f"{len(images)} images were"
        raise BadImage(
            f"{model} takes no images, and {n} given; nothing was sent.",
            advice="Set a model that does (copydesk models says which do), or leave them out.",
        )


def _data(source: str) -> bytes:
    """The bytes of a data URI (RFC 2397)."""
    head, comma, body = source.partition(",")
    if not comma:
        raise BadImage("A data URI has no comma before its data.", advice="It looks like data:image/png;base64,iVBO…")
    if len(body) > MAX_BYTES * 4 // 3 + 64 * 1024:
        raise _too_large("The image of a data URI", len(body) * 3 // 4)
    if not head.lower().endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        data = base64.b64decode(unquote_to_bytes(body).translate(None, b" \t\r\n"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadImage(f"The base64 of a data URI cannot be read: {error}.") from error
    if len(data) > MAX_BYTES:
        raise _too_large("The image of a data URI", len(data))
    return data


def _file(source: str, locate: Locate) -> bytes:
    path = to_path(locate(source))
    if path is None:
        raise BadImage(f"{source!r} is no file on this machine.", advice="Give a path, a file URI or a data URI.")
    if not Path(path).is_file():  # a pipe would be waited for
        what = "is no file" if Path(path).exists() else "is not there"
        raise BadImage(f"The image {source!r} {what}.", advice="Give the path of an image.")
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadImage(f"The image {source!r} cannot be read: {error.strerror or error}.") from error
    if len(data) > MAX_BYTES:
        raise _too_large(source, Path(path).stat().st_size)
    return data


def _too_large(name: str, n_bytes: int) -> BadImage:
    return BadImage(
        f"{name} has {_mb(n_bytes)}; an image may have {_mb(MAX_BYTES)}.", advice="Make it smaller, or crop it."
    )


def _mb(n_bytes: int) -> str:
    return f"{n_bytes / 1024 / 1024:.1f} MB"


def _name(source: str) -> str:
    return "The image of a data URI" if source[:5].lower() == _DATA else repr(source)
