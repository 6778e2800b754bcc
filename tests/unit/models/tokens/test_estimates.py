"""How near estimates come to the true counts, for texts of every kind; and that no text makes them slow."""

import base64
import json
import struct
import time

import pytest

from copydesk.context.prompt import SYSTEM, task_message
from copydesk.domain.messages import Image, Message, Task
from copydesk.domain.models import BUILT_IN
from copydesk.domain.stream import ModelRequest
from copydesk.domain.tools import ToolSpec
from copydesk.models.tokens import images
from copydesk.models.tokens.estimates import estimate
from copydesk.models.tokens.families import Vision, family_of
from copydesk.models.tokens.sizes import Sizes
from copydesk.tools.registry import Toolbox, default_tools
from copydesk.workspace.workspace import Workspace
from tests.support.analyser import TinyIntel
from tests.support.token_texts import LANGUAGES, TEXTS

SPECS = Toolbox(default_tools(Workspace(), TinyIntel())).specs
O200K, CL100K = family_of("openai/gpt-4o", BUILT_IN), family_of("openai/gpt-4", BUILT_IN)

TRUE = {
    # Kind: tokens in o200k_base and in cl100k_base, by tiktoken 0.14.
    "python": (1302, 1300),
    "diff": (787, 784),
    "tool schemas": (930, 920),
    "minified JavaScript": (1418, 1431),
    "log": (1296, 1294),
    "table": (621, 621),
    "numbers": (1293, 1293),
    "JSON": (1131, 1131),
    "numbered lines": (1574, 1572),
    "grep": (728, 726),
    "base64": (1341, 1411),
    "emoji": (346, 385),
    "Markdown": (797, 781),
    "English": (225, 221),
    "German": (213, 277),
    "French": (181, 233),
    "Russian": (174, 257),
    "Chinese": (152, 220),
    "Japanese": (188, 256),
    "Korean": (154, 237),
    "Arabic": (150, 341),
}


def test_every_text_has_its_true_count() -> None:
    assert set(TRUE) == set(TEXTS)


@pytest.mark.parametrize("kind", TRUE)
def test_an_estimate_is_within_20_percent(kind: str) -> None:
    for family, truth in zip((O200K, CL100K), TRUE[kind], strict=True):
        assert abs(estimate(TEXTS[kind], family) / truth - 1) < (0.23 if kind in LANGUAGES else 0.1)


def test_all_texts_together_are_within_5_percent() -> None:
    for column, family in enumerate((O200K, CL100K)):
        truth = sum(counts[column] for counts in TRUE.values())
        assert abs(sum(estimate(text, family) for text in TEXTS.values()) / truth - 1) < 0.05


@pytest.mark.parametrize(
    ("model", "low", "high"),
    [
        # What Claude's tokenizers make of code beside o200k's, as measured: 1.2 and 1.55 times as many.
        ("anthropic/claude-sonnet-4-5", 1.1, 1.35),
        ("anthropic/claude-opus-4-8", 1.4, 1.7),
        ("compat/anthropic/claude-sonnet-5", 1.4, 1.7),
        ("gemini/gemini-3-pro", 1.0, 1.2),
        ("ollama/qwen3:8b", 0.95, 1.15),
        ("deepseek/deepseek-chat", 0.95, 1.15),
        ("compat/whatever", 1.0, 1.15),
    ],
)
def test_each_family_counts_as_its_tokenizer_does(model: str, low: float, high: float) -> None:
    share = estimate(TEXTS["python"], family_of(model, BUILT_IN)) / TRUE["python"][0]
    assert low < share < high


def test_a_long_text_is_sampled_well_and_quickly() -> None:
    text = TEXTS["python"] * 60 + TEXTS["JSON"] * 60 + TEXTS["Chinese"] * 100 + TEXTS["diff"] * 60
    whole = sum(
        estimate(TEXTS[kind], O200K) * n for kind, n in (("python", 60), ("JSON", 60), ("Chinese", 100), ("diff", 60))
    )
    assert abs(estimate(text, O200K) / whole - 1) < 0.1
    started_s = time.process_time()
    estimate("some words of a very long text, again and again. " * 200_000, O200K)
    assert time.process_time() - started_s < 0.25


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n" * 5000,
        "a" * 5000,
        "A" * 5000,
        " " * 5000,
        "\x00\x01\x7f",
        "\ud800 half a pair",
        "é" * 3000,
        "-" * 9000,
        "🇩🇪" * 900,
    ],
)
def test_odd_texts_have_a_plausible_count(text: str) -> None:
    assert 0 <= estimate(text, O200K) <= 3 * len(text)


def test_every_character_has_a_cost_wherever_it_stands() -> None:
    points = [chr(point) for point in range(0, 0x110000, 7)] + [chr(point) for point in range(0x3000)]
    for family in (O200K, family_of("gemini/gemini-3-pro", BUILT_IN), family_of("anthropic/claude-opus-4-8", BUILT_IN)):
        for text in ("".join(points), " ".join(points), "a".join(points), "A1.".join(points), "\n".join(points)):
            for start in range(0, len(text), 8_000):
                assert estimate(text[start : start + 8_000], family) > 0


def _png(width: int, height: int) -> str:
    return base64.b64encode(
        b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\0" * 20
    ).decode()


def _jpeg(width: int, height: int) -> str:
    head = (
        b"\xff\xd8\xff\xe0"
        + struct.pack(">H", 16)
        + b"JFIF"
        + b"\0" * 10
        + b"\xff\xc0"
        + struct.pack(">HBHH", 17, 8, height, width)
    )
    return base64.b64encode(head + b"\0" * 40).decode()


@pytest.mark.parametrize(
    "data", [_png(1280, 720), _jpeg(1280, 720), base64.b64encode(b"GIF89a" + struct.pack("<HH", 1280, 720)).decode()]
)
def test_an_images_size_is_read_from_its_first_bytes(data: str) -> None:
    assert images.size(data) == (1280, 720)


@pytest.mark.parametrize(
    "data", ["", "AAAA", "not base64 at all", _png(0, 5), base64.b64encode(b"\xff\xd8\xff").decode(), "iVBORw0KGgo="]
)
def test_an_image_that_cannot_be_read_counts_as_a_middling_one(data: str) -> None:
    assert images.size(data) == images.UNKNOWN


@pytest.mark.parametrize(
    ("vision", "width", "height", "true"),
    [
        # What the providers billed, less the words around: 2026's public measurements.
        ("claude large", 1024, 1024, 1_369),
        ("claude large", 4032, 3024, 3_928),
        ("claude", 1920, 1080, 1_560),
        ("patches", 1024, 1024, 1_229),
        ("patches", 2560, 1440, 4_320),
        ("tiles", 1024, 1024, 765),
        ("tiles", 2048, 4096, 1_105),
        ("gemini", 4032, 3024, 1_065),
        ("gemini tiles", 300, 300, 258),
    ],
)
def test_an_images_tokens_are_within_10_percent_of_what_was_billed(
    vision: Vision, width: int, height: int, true: int
) -> None:
    assert abs(images.tokens(Image("image/png", _png(width, height)), vision) / true - 1) < 0.1


MAX_FIRST_REQUEST = 2_500
UNDER = 0.97
"""The estimate's share of the truth for schemas and instructions, at worst: see the two texts that are compared."""


def test_the_first_request_stays_small() -> None:
    specs = SPECS
    assert len(specs) >= 24
    text = task_message(Task("prompt", "Set VALUE in settings.py to the other number")).text
    tools = "".join(_as_sent(spec) for spec in specs)
    tokens = estimate(SYSTEM, O200K) + estimate(text, O200K) + estimate(tools, O200K)
    assert tokens / UNDER < MAX_FIRST_REQUEST


def test_the_estimate_of_a_request_has_its_tools_in_it() -> None:
    sizes = Sizes(O200K)
    request = ModelRequest(SYSTEM, (), SPECS)
    assert sizes.request(request) > sizes.request(ModelRequest(SYSTEM, ())) + 1_400


def _as_sent(spec: ToolSpec) -> str:
    function = {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)}
    return json.dumps({"type": "function", "function": function}, ensure_ascii=False, separators=(",", ":"))


def test_an_image_in_a_message_is_no_text() -> None:
    sizes = Sizes(O200K)
    message = Message("user", (Image("image/png", _png(1024, 1024) + "A" * 400_000),))
    assert 700 < sizes.messages((message,)) < 1_600
