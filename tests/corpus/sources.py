"""Which files make the corpus: the standard library and the installed packages, in a fixed order."""

import random
import sysconfig
import tokenize
from pathlib import Path


def all_files() -> list[Path]:
    """Every Python file of some size that is not test data."""
    standard, installed = Path(sysconfig.get_path("stdlib")), Path(sysconfig.get_path("purelib"))
    found = {path for path in standard.rglob("*.py") if "site-packages" not in path.parts}
    found |= set(installed.rglob("*.py"))
    return sorted(path for path in found if path.stat().st_size > 200 and "test_data" not in str(path))


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
