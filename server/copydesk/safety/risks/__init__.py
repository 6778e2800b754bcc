"""How dangerous a command line is. Start with `judge_command`; what each program does is data in the tables here."""

from copydesk.domain.risks import Judgement


def judge_command(text: str, *, cwd: str, roots: tuple[str, ...], home: str = "", in_place: bool = False) -> Judgement:
    """The strictest of its simple commands and of what they do together. Pure, never raises."""
    del cwd, roots, home, in_place
    return Judgement("high", (f"{text[:80]!r} is not understood yet.",), parsed=False)
