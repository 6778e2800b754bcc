"""What certain clients do that no capability tells, from code actions to documents: known by their names.

Owns those names; knows no message. Start with any of the functions. Each was seen in the client, or read in its source.
"""

_OWN_DIAGNOSTICS_ONLY = ("Neovim", "vim-lsp", "Vim", "Eglot", "emacs", "Sublime Text LSP")
_HELIX = "helix"
_EMACS = ("eglot", "emacs")
_MUTE = ("vim-lsp",)
_JETBRAINS = (
    "Android Studio", "Aqua", "CLion", "DataGrip", "DataSpell", "GoLand", "IntelliJ IDEA", "PhpStorm", "PyCharm",
    "Rider", "RubyMine", "RustRover", "WebStorm", "Writerside",
)  # fmt: skip
"""LSP4IJ tells the IDE's name, with its version behind it."""


def is_patient(name: str) -> bool:
    """Whether the client goes on while it waits for a command (eglot calls itself Eglot, lsp-mode emacs)."""
    return not any(known in name.lower() for known in _EMACS)


def keeps_keys(name: str) -> bool:
    """Whether a document that opens leaves what is being typed where it is."""
    return any(known in name.lower() for known in ("neovim", *_EMACS))


def goes_to_documents(name: str) -> bool:
    """Helix goes to every document it shows: what is being typed would end up in it."""
    return _HELIX in name.lower()


def drops_answers(name: str) -> bool:
    """Helix shows a person neither what a command answers nor its error."""
    return name == _HELIX


def begins_with_a_line(name: str) -> bool:
    """Neovim's empty buffer has one line already; a text that ends its own last line leaves a blank one below."""
    return name == "Neovim"


def takes_edits_unsaid(name: str, *, shows_progress: bool) -> bool:
    """Kate applies edits and does not say so; it says no name either, but that it shows progress."""
    return not name and shows_progress


def keeps_diagnostics(name: str, *, declares_edits: bool) -> bool:
    """They send a server its own diagnostics only, and ours has none: their menu would offer no fix at all.

    Helix often has no other server. Kate and ALE tell no name; they do not say that they take edits either.
    """
    return name.startswith((*_OWN_DIAGNOSTICS_ONLY, *_JETBRAINS, _HELIX)) if name else not declares_edits


def sends_no_commands(name: str, *, declares_edits: bool) -> bool:
    """Kate, ALE and LSP4IJ send the commands of code actions and lenses only."""
    return name.startswith(_JETBRAINS) if name else not declares_edits


def never_answers(name: str) -> bool:
    """They ask the person what `window/showMessageRequest` asks, and send nothing."""
    return name in _MUTE


def hides_bare_fixes(name: str) -> bool:
    """They show a `quickfix` only on a diagnostic; one of a kind below it is shown everywhere."""
    return name.startswith(_JETBRAINS)


def dialog_takes_keys(name: str) -> bool:
    """Helix (since 25.07) puts its dialog above the text: Enter takes the first choice, and another key that is
    typed into the text closes it. That is no answer.
    """
    return name == _HELIX


def enter_takes_first(name: str) -> bool:
    """Helix, and Emacs with most completion styles: Enter alone takes the first choice of a question. So the first
    one must not be the one that allows.
    """
    return name == _HELIX or any(known in name.lower() for known in _EMACS)


def shows_one_line(name: str) -> bool:
    """Helix has one line for a message, and would glue several together."""
    return name == _HELIX


def overtakes_itself(name: str) -> bool:
    """Helix (25.01) may send a burst of changes in another order than they were made in."""
    return name == _HELIX
