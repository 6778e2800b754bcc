"""What certain clients do with code actions and questions that no capability tells: known by what they call themselves.

Owns those names; knows no message. Start with any of the three. Each was seen in the client, or read in its source.
"""

_OWN_DIAGNOSTICS_ONLY = ("Neovim", "vim-lsp", "Vim", "Sublime Text LSP")
_MUTE = ("vim-lsp",)
_JETBRAINS = (
    "Android Studio", "Aqua", "CLion", "DataGrip", "DataSpell", "GoLand", "IntelliJ IDEA", "PhpStorm", "PyCharm",
    "Rider", "RubyMine", "RustRover", "WebStorm", "Writerside",
)  # fmt: skip
"""LSP4IJ tells the IDE's name, with its version behind it."""


def keeps_diagnostics(name: str, *, declares_edits: bool) -> bool:
    """They send a server its own diagnostics only, and ours has none: their menu would offer no fix at all.

    Kate and ALE tell no name; they do not say that they take edits either.
    """
    return name.startswith((*_OWN_DIAGNOSTICS_ONLY, *_JETBRAINS)) if name else not declares_edits


def never_answers(name: str) -> bool:
    """They ask the person what `window/showMessageRequest` asks, and send nothing."""
    return name in _MUTE


def hides_bare_fixes(name: str) -> bool:
    """They show a `quickfix` only on a diagnostic; one of a kind below it is shown everywhere."""
    return name.startswith(_JETBRAINS)
