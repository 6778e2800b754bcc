"""Images in prompts: what is taken, what is refused and why, what goes on the wire, and what the transcript keeps."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from copydesk.domain.errors import CopydeskError, OutsideWorkspace
from copydesk.domain.events import MessageAdded
from copydesk.domain.messages import Image, Message, Task, Text
from copydesk.domain.models import ModelFacts
from copydesk.safety.secrets.pictures import is_picture
from copydesk.safety.secrets.redaction import Redactor
from copydesk.services.images import (
    MAX_BYTES,
    MAX_IMAGES,
    BadImage,
    locate_anywhere,
    locate_in,
    read_images,
    refuse_where_unseen,
)
from copydesk.services.turns import PromptRequest
from copydesk.store.images import GONE
from copydesk.store.records import RecordWriter, read_records
from copydesk.workspace.workspace import Workspace

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(40)
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(24)


def one(source: str) -> Image:
    (image,) = read_images([source], locate_anywhere)
    return image


@pytest.mark.parametrize(
    ("data", "kind"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (GIF, "image/gif"), (WEBP, "image/webp")]
)
def test_what_it_is_says_its_header_not_its_name(tmp_path: Path, data: bytes, kind: str) -> None:
    path = tmp_path / "picture.txt"
    path.write_bytes(data)
    for source in (str(path), path.as_uri(), "data:image/bmp;base64," + base64.b64encode(data).decode()):
        assert one(source) == Image(kind, base64.b64encode(data).decode())


@pytest.mark.parametrize(
    "data", [b"", b"GIF", b"<svg xmlns='x'/>", b"RIFF\x00\x00\x00\x00WAVE", b"%PDF-1.7", b"\x89PNG"]
)
def test_anything_else_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    with pytest.raises(BadImage, match=r"picture\.png"):
        one(str(path))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("data:image/png;base64", "no comma"),
        ("data:image/png;base64,????", "cannot be read"),
        ("data:image/png,hello", "none of"),
        ("/nowhere/at/all.png", "not there"),
        ("/dev/null", "no file"),
        ("http://example.com/a.png", "not there"),
        (os.sep, "no file"),
    ],
)
def test_what_cannot_be_read_says_why(source: str, words: str) -> None:
    with pytest.raises(BadImage, match=words):
        one(source)


def test_limits(tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(PNG + bytes(MAX_BYTES))
    with pytest.raises(BadImage, match=r"5\.0 MB"):
        one(str(large))
    with pytest.raises(BadImage, match=r"5\.0 MB"):
        one("data:image/png;base64," + base64.b64encode(PNG + bytes(MAX_BYTES)).decode())
    small = tmp_path / "small.png"
    small.write_bytes(PNG)
    with pytest.raises(BadImage, match="takes 10"):
        read_images([str(small)] * (MAX_IMAGES + 1), locate_anywhere)
    many = tmp_path / "many.png"
    many.write_bytes(PNG + bytes(MAX_BYTES - 1000))
    with pytest.raises(BadImage, match="together"):
        read_images([str(many)] * 4, locate_anywhere)


def test_a_command_reads_only_in_the_workspace_and_nothing_secret(tmp_path: Path) -> None:
    inside = tmp_path / "work"
    inside.mkdir()
    (inside / "a.png").write_bytes(PNG)
    (tmp_path / "b.png").write_bytes(PNG)
    (inside / "link.png").symlink_to(tmp_path / "b.png")
    locate = locate_in(Workspace((inside.as_uri(),)).resolve, lambda uri: uri.endswith("/secret.png"))
    (inside / "secret.png").write_bytes(PNG)
    assert read_images(["a.png"], locate)
    for outside in ("../b.png", str(tmp_path / "b.png"), (tmp_path / "b.png").as_uri(), "link.png"):
        with pytest.raises(OutsideWorkspace):
            read_images([outside], locate)
    with pytest.raises(BadImage, match="secrets"):
        read_images(["secret.png"], locate)


def test_a_model_that_sees_nothing_is_refused_before_anything_is_sent() -> None:
    image = (Image("image/png", "x"),)
    refuse_where_unseen(image, "openai/m", ModelFacts("m", 1, 1, images=True))
    refuse_where_unseen(image, "compat/m", ModelFacts("m", 1, 1, known=False))
    refuse_where_unseen((), "ollama/m", ModelFacts("m", 1, 1))
    with pytest.raises(BadImage, match="ollama/m takes no images, and an image was given; nothing was sent"):
        refuse_where_unseen(image, "ollama/m", ModelFacts("m", 1, 1))


def test_a_picture_is_no_secret_whatever_it_looks_like() -> None:
    redactor = Redactor(lambda: b"k" * 32)
    data = base64.b64encode(PNG[:33] + bytes(range(256)) * 39).decode() + "AKIA" + "IOSFODNN7EXAMPLE"
    assert is_picture(data)
    bodies: list[Mapping[str, Any]] = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"inlineData": {"mimeType": "image/png", "data": data}},
    ]
    for part in bodies:
        body = json.dumps({"content": [part]}).encode()
        assert redactor.redact_body(body).body == body


def test_a_known_secret_is_found_in_a_picture_too() -> None:
    redactor = Redactor(lambda: b"k" * 32)
    redactor.learn(["Zx9Qw8Er7Ty6Ui5Op4As"])
    text = base64.b64encode(PNG).decode().rstrip("=") + "Zx9Qw8Er7Ty6Ui5Op4As"
    assert "Zx9Qw8Er7Ty6Ui5Op4As" not in redactor.redact(text)


def test_words_that_only_begin_like_a_picture_are_looked_at() -> None:
    assert not is_picture("iVBORw0KGgo and then words, in a sentence that goes on for long enough")


# --- the transcript ---


def test_the_transcript_refers_to_an_image_and_gives_it_back(tmp_path: Path) -> None:
    data = base64.b64encode(PNG + os.urandom(100_000)).decode()
    event = MessageAdded("t", Message("user", (Text("see"), Image("image/png", data))))
    writer = RecordWriter("s", tmp_path, lambda: "now")
    told: list[object] = []
    writer.subscribe(lambda session, seq, event: told.append(event))
    writer.write(event)
    writer.write(event)
    writer.close()
    path = tmp_path / "s.jsonl"
    assert path.stat().st_size < 2_000
    (kept,) = (tmp_path / "images").iterdir()
    assert kept.read_bytes() == base64.b64decode(data)
    assert kept.stat().st_mode & 0o077 == 0
    assert [record.event for record in read_records(path)] == [event, event]
    assert told == [event, event], "who listens gets the image itself"
    kept.unlink()
    gone = next(read_records(path)).event
    assert isinstance(gone, MessageAdded)
    assert gone.message.parts == (Text("see"), Text(GONE))


def test_a_transcript_names_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    writer = RecordWriter("s", tmp_path, lambda: "now")
    writer.write(MessageAdded("t", Message("user", (Image("image/png", "sha256:../secret"),))))
    writer.close()
    event = next(read_records(tmp_path / "s.jsonl")).event
    assert isinstance(event, MessageAdded)
    assert event.message.parts == (Text(GONE),)


def test_a_request_carries_them() -> None:
    assert PromptRequest(Task("prompt", "x"), images=(Image("image/png", "x"),)).images
    assert issubclass(BadImage, CopydeskError)
