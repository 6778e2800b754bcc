"""Images of a session, kept beside its transcript: a file for each, named by its content; the record refers to it.

A transcript is read, sent and searched as text; megabytes of base64 in every copy of it serve nobody, and the same
picture given twice is kept once. Where a file cannot be written the image stays in the record. Start with `put_away`.
"""

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, TypeAlias

from copydesk.domain.events import Event, MessageAdded
from copydesk.domain.messages import Image, Message, Part, Text

FOLDER: Final = "images"
PREFIX: Final = "sha256:"
GONE: Final = "(an image was here; its file is gone)"
_NAMED: Final = re.compile(r"sha256:[0-9a-f]{64}")
INLINE_CHARS: Final = 4_096
"""An image that is no longer than this stays in the record."""


Change: TypeAlias = Callable[[Image], Part]


def put_away(event: Event, directory: Path) -> Event:
    """The event as it is recorded; its large images are files from now on."""
    return _with_images(event, lambda image: _put(image, directory / FOLDER))


def brought_back(event: Event, directory: Path) -> Event:
    """The event as it was."""
    return _with_images(event, lambda image: _get(image, directory / FOLDER))


def referred_to(event: Event) -> Event:
    """The event for those who only list it: large images are named by their content."""
    return _with_images(event, lambda image: replace(image, data=_name(image)) if _is_large(image) else image)


def _with_images(event: Event, change: Change) -> Event:
    if not isinstance(event, MessageAdded) or not any(isinstance(part, Image) for part in event.message.parts):
        return event
    parts = tuple(change(part) if isinstance(part, Image) else part for part in event.message.parts)
    message: Message = replace(event.message, parts=parts)
    return replace(event, message=message)


def _is_large(image: Image) -> bool:
    return len(image.data) > INLINE_CHARS


def _name(image: Image) -> str:
    return PREFIX + hashlib.sha256(image.data.encode("ascii", "replace")).hexdigest()


def _put(image: Image, folder: Path) -> Image:
    if not _is_large(image):
        return image
    name = _name(image)
    path = folder / name.removeprefix(PREFIX)
    try:
        if not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = path.with_name(f".{path.name}.{os.getpid()}")
            fresh.unlink(missing_ok=True)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(base64.b64decode(image.data, validate=True))
            fresh.replace(path)
    except (OSError, binascii.Error, ValueError):
        return image
    return replace(image, data=name)


def _get(image: Image, folder: Path) -> Part:
    if not image.data.startswith(PREFIX):
        return image
    if not _NAMED.fullmatch(image.data):
        return Text(GONE)
    try:
        data = (folder / image.data.removeprefix(PREFIX)).read_bytes()
    except OSError:
        return Text(GONE)
    return replace(image, data=base64.b64encode(data).decode("ascii"))
