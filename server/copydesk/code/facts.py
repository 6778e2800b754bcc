"""What one file says about the symbol under the cursor: callers, calls, raises, complexity. For hovers.

Reads the syntax tree of that file only, so that it is right and ready within milliseconds of a keystroke. Knows
no other file, no editor. Start with `facts_at`.
"""

from copydesk.code.fact_sheet import Facts, Mention, complexity_word
from copydesk.code.grammars import language_of
from copydesk.code.syntax import SyntaxCache
from copydesk.domain.ports import FileHandle

__all__ = ["Facts", "Mention", "complexity_word", "facts_at"]


def facts_at(syntaxes: SyntaxCache, handle: FileHandle, line: int, column: int) -> Facts | None:
    """Facts about the name at (line, column); None on anything that is not a name this file explains."""
    syntax = syntaxes.get(handle)
    if syntax is None:
        return None
    if language_of(handle.uri) == "python":
        from copydesk.code.python_facts import facts_of

        return facts_of(syntax, line, column)
    from copydesk.code.other_facts import facts_of as other_facts_of

    return other_facts_of(syntax, line, column)
