"""The image that a project's dev container names. Reads one file, builds nothing. Start with `image_of`."""

import json
import os
import re
from typing import Any, cast

from copydesk.domain.errors import ToolFailed

PLACES = (".devcontainer/devcontainer.json", ".devcontainer.json")
_MAX_BYTES = 1_000_000
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,400}")
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)


class NoImage(ToolFailed):
    """Says, in one sentence, why there is none to be had and what to do."""


def image_of(folder: str) -> str | None:
    """The image named by the dev container of `folder`; None where there is none. Raises `NoImage`."""
    for place in PLACES:
        path = os.path.join(folder, place)
        try:
            with open(path, "rb") as file:
                data = file.read(_MAX_BYTES)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise NoImage(f"{place} cannot be read: {error.strerror}.") from error
        return _named(place, data)
    return None


def _named(place: str, data: bytes) -> str:
    try:
        settings: Any = json.loads(without_comments(data.decode("utf-8-sig")))
    except ValueError as error:
        raise NoImage(f"{place} is not JSON with comments: {error}.") from error
    image = cast("dict[str, object]", settings).get("image") if isinstance(settings, dict) else None
    if isinstance(image, str) and is_image(image):
        return image
    if isinstance(image, str):
        raise NoImage(f"{place} names the image {image!r}, which is no plain name. Set `sandbox.image` instead.")
    advice = "Build it, and name the image in `sandbox.image`"
    raise NoImage(f"{place} has no `image`, and files that build one are not supported. {advice}.")


def is_image(name: str) -> bool:
    """Whether it can only be a name: not an option of the engine, nothing to be substituted."""
    return _IMAGE.fullmatch(name) is not None


def without_comments(text: str) -> str:
    """JSON from what people write: comments, and commas after the last entry."""
    bare = _TOKEN.sub(lambda found: found[0] if found[0].startswith('"') else " ", text)
    return _LAST_COMMA.sub(lambda found: found[1] or "", bare)
