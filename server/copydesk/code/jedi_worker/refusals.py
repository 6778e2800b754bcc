"""Why a question is not answered, in words for the person. Start with `refuse`."""

from typing import NoReturn


class Refused(Exception):
    """The question cannot be answered; the text says why."""


def refuse(reason: str) -> NoReturn:
    raise Refused(reason)
