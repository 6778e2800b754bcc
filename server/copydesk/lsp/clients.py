"""What certain clients do with code actions and questions that no capability tells: known by what they call themselves.

Owns those names; knows no message. Start with any of the three. Each was seen in the client, or read in its source.
"""

_OWN_DIAGNOSTICS_ONLY = ("neovim", "vim", "vim-lsp", "eglot", "emacs", "helix", "sublime text lsp")
_MUTE = ("vim-lsp",)
_JETBRAINS = (
    "Android Studio", "Aqua", "CLion", "DataGrip", "DataSpell", "GoLand", "IntelliJ IDEA", "PhpStorm", "PyCharm",
    "Rider", "RubyMine", "RustRover", "WebStorm", "Writerside",
)  # fmt: skip
"""LSP4IJ tells the IDE's name, with its version behind it."""


def keeps_diagnostics(name: str, *, declares_edits: bool) -> bool:
    """Their menu would offer no fix at all: they send a server the server's own diagnostics only, as Neovim and Emacs
    do, or often have no other server, as Helix. Kate and ALE tell no name; they do not say that they take edits either.
    """
    if not name:
        return not declares_edits
    return name.lower() in _OWN_DIAGNOSTICS_ONLY or name.startswith(_JETBRAINS)


def never_answers(name: str) -> bool:
    """They ask the person what `window/showMessageRequest` asks, and send nothing."""
    return name in _MUTE


def hides_bare_fixes(name: str) -> bool:
    """They show a `quickfix` only on a diagnostic; one of a kind below it is shown everywhere."""
    return name.startswith(_JETBRAINS)
