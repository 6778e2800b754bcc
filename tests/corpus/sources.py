"""Which files make the corpus: the standard library and the installed packages, in a fixed order."""

import random
import sysconfig
import tokenize
from pathlib import Path

_LEFT_OUT = ("site-packages/", "pip/", "setuptools/", "pkg_resources/", "_distutils_hack/", "copydesk")


def all_files() -> list[Path]:
    """Every Python file of some size that is not test data, in an order that does not depend on where they lie."""
    standard, installed = Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))
    return [*_files_below(standard), *_files_below(installed)]


def _files_below(root: Path) -> list[Path]:
    """Installers are left out: their versions are not pinned, and a sample should be the same everywhere."""
    found = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py"))
    kept = (name for name in found if not name.startswith(_LEFT_OUT) and "test_data" not in name)
    return [root / name for name in kept if (root / name).stat().st_size > 200]


def sample(n: int, seed: int = 7) -> list[Path]:
    """`n` files, the same each time on one machine."""
    files = all_files()
    return random.Random(seed).sample(files, min(n, len(files)))


def text_of(path: Path) -> str | None:
    """The file's text with its line ends; None when it is not text or does not parse."""
    from tests.corpus.tools import quiet_compile

    try:
        with tokenize.open(path) as file:
            encoding = file.encoding
        text = path.read_bytes().decode(encoding)
        quiet_compile(text)
    except (SyntaxError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    return text.removeprefix("\ufeff")
