"""A command line as data: its simple commands with their words, redirections and what feeds them.

Made by `shell_parse`. Start with `Simple`.
"""

import re

from copydesk.domain.frozen import frozen
from copydesk.safety.shell_words import Word


@frozen
class Redirect:
    """`operator` as written, without the descriptor; `fd` empty where none is given."""

    operator: str
    target: Word
    fd: str = ""

    @property
    def writes(self) -> bool:
        return self.operator in (">", ">>", ">|", "&>", "&>>", "<>", ">&") and not (
            self.operator == ">&" and re.fullmatch(r"\d+-?|-", self.target.text)
        )


@frozen
class Simple:
    """One program start (or assignment, or redirection alone: then without words) as the shell would make it.

    `cwd` is where, with `UNKNOWN` in it where that is not known. `sources` are the numbers of the commands whose output
    reaches it, by pipe, substitution or here-document; `piped` those on its standard input. `stdin_text` is what a
    here-document or string gives it, where that is literal.
    """

    words: tuple[Word, ...]
    cwd: str
    assignments: tuple[tuple[str, Word], ...] = ()
    redirects: tuple[Redirect, ...] = ()
    sources: tuple[int, ...] = ()
    piped: tuple[int, ...] = ()
    stdin_text: str | None = None
    text: str = ""
    in_function: str = ""

    @property
    def name(self) -> str:
        return self.words[0].text if self.words else ""


@frozen
class Script:
    """`problems`: why it is not understood, in sentences. Then nothing that stands in it can be believed."""

    commands: tuple[Simple, ...] = ()
    functions: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()
