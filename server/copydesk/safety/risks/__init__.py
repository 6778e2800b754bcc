"""How dangerous a command line is: the strictest of its simple commands and of what they do together.

Owns the way from a parsed script to a `Judgement`. What single programs do is in the modules beside this one, most
of it as data. Start with `judge_command`.
"""

from copydesk.domain.risks import LEVELS, Judgement, RiskLevel
from copydesk.safety.places import Place
from copydesk.safety.risks.engine import Judge


def judge_command(text: str, *, cwd: str, roots: tuple[str, ...], home: str = "", in_place: bool = False) -> Judgement:
    """Pure, never raises. Paths are absolute; `in_place` judges for the real tree instead of the shadow."""
    judged = Judge(Place(cwd, roots, home), in_place).judge(text)
    if not in_place or LEVELS.index(judged.level) >= LEVELS.index("medium") or judged.level == "safe":
        return judged
    level: RiskLevel = "medium"
    return Judgement(level, (*judged.reasons, "It runs on the real tree."), judged.commands, judged.parsed)
