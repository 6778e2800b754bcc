"""Scripts of models under certification: one that does all that is asked, and the ways in which others do not."""

import json

from copydesk.models.script import Script
from copydesk.services.certifying import CITIES, CODE_WORD, LINE, NOTE, PLACE

USAGE = "usage: in=400 out=50"
TEXT = f"chunk: 4\ntext: {LINE}\n{USAGE}"
CALL = "tool: save_note " + json.dumps({"place": PLACE, "note": NOTE}, ensure_ascii=False) + f"\n{USAGE}"
RESULT = f"text: The code word is {CODE_WORD}.\n{USAGE}"
BOTH = "\n".join("tool: weather " + json.dumps({"city": city}, ensure_ascii=False) for city in CITIES) + f"\n{USAGE}"
SHAPED = 'text: {"city": "Paris", "letters": 5}\n' + USAGE


def script(*steps: str) -> Script:
    return Script.parse("\n--- step\n".join(steps))


def good() -> Script:
    """Answers every request of a certification as it should."""
    return script(TEXT, CALL, RESULT, BOTH, SHAPED)
