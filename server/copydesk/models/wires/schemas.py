"""The tool that stands for an answer in a given shape, where a wire has no field of its own for one.

Its arguments come out of the wires as the answer's text, never as a call that would be run. What a provider takes of a
schema is in `models.schemas`.
"""

from typing import Final

ANSWER: Final = "copydesk_answer"
DESCRIPTION: Final = "Gives the answer. Call it once, when the answer is ready."
