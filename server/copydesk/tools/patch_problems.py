"""What a model is told of hunks that have no place, or more than one: all of them, each with what stands there now.

Start with `misplaced`.
"""

from collections.abc import Sequence

from copydesk.domain.errors import ToolFailed
from copydesk.domain.ports import Work
from copydesk.text.patch_places import HunkProblem
from copydesk.tools.misses import advice, rows_at, shown_near, since_read

_N_DETAILED = 6
_N_ROWS = 14
_N_FEW_ROWS = 4


def misplaced(work: Work, uri: str, content: str, problems: Sequence[HunkProblem]) -> ToolFailed:
    """One error for all the problems of one file."""
    said = [_problem(content, problem, at) for at, problem in enumerate(problems)]
    news = since_read(work, uri, content).strip()
    is_stale = any(problem.kind in ("missing", "anchor") for problem in problems)
    listed = "\n".join([*([news] if news and is_stale else []), *said])
    return ToolFailed(f"{listed}\n", advice=advice(work, uri) if is_stale else "")


def _problem(content: str, problem: HunkProblem, at: int) -> str:
    return f"hunk {problem.hunk} (line {problem.line}): {_words(content, problem, at)}"


def _words(content: str, problem: HunkProblem, at: int) -> str:
    limit = _N_ROWS if at < _N_DETAILED else _N_FEW_ROWS
    match problem.kind:
        case "missing":
            near = shown_near(content, problem.near, "the hunk", limit)
            why = f" ({problem.words})" if problem.words else ""
            return f"its lines are not in the file as it is now{why}.{near}"
        case "anchor":
            near = shown_near(content, problem.near, "the patch", limit)
            return f"no line of the file is its '@@ {problem.words}'.{near}"
        case "ambiguous":
            rows = rows_at(content, problem.lines)
            return (
                f"its lines occur {len(problem.lines)} times, starting at lines:\n{rows}\n"
                "Add lines around the one you mean, or '@@' with the line of the class or function it is in."
            )
        case "order":
            rows = rows_at(content, problem.lines)
            return f"the hunks of a file must stand in its order and not overlap; this one is found at:\n{rows}"
        case "no_context":
            return "it only adds lines, and has none around them that say where. Add context lines."
        case "quote":
            return f"{problem.words}."
