"""Runs the skeleton writer over real modules, then runs what it wrote under an audit hook.

`python -m tests.corpus.test_skeleton_corpus` prints the figures.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from copydesk.models.offline.skeleton import write_tests
from copydesk.models.offline.skeleton_cases import targets_of
from copydesk.models.offline.skeleton_source import read_module, words

HERE = Path(__file__).parent
SAMPLE = ("colorsys", "bisect", "keyword")
STANDARD = tuple(
    words(
        """
        textwrap string bisect heapq statistics fractions html html.parser html.entities shlex keyword
        colorsys difflib calendar ast inspect ipaddress base64 copy enum fnmatch posixpath ntpath
        genericpath operator reprlib tokenize token types urllib.parse uuid json json.encoder json.decoder
        json.scanner email.utils email.quoprimime email.base64mime email.header email.charset email.errors
        email.iterators email.encoders email._parseaddr email._header_value_parser configparser argparse
        functools numbers stringprep quopri random pprint gettext locale mimetypes optparse collections
        collections.abc contextlib dataclasses datetime decimal _pydecimal _strptime abc bdb cmd code codecs
        codeop copyreg dis opcode glob graphlib hashlib hmac linecache nturl2path pickle
        pickletools plistlib pyclbr queue re re._parser re._constants sched secrets selectors signal stat
        string struct symtable tabnanny textwrap timeit tomllib tomllib._parser tomllib._re trace traceback
        typing unittest.util warnings weakref wsgiref.headers wsgiref.util xml.sax.saxutils xml.dom.minidom
        zipapp getopt fileinput filecmp http http.cookies http.cookiejar urllib.robotparser
        urllib.error rlcompleter tracemalloc
        encodings.idna encodings.punycode
        """
    )
)
INSTALLED = tuple(
    words(
        """
        anyio._core._exceptions anyio.abc._streams httpx._utils httpx._urls httpx._urlparse httpx._content
        httpx._models httpx._status_codes httpx._types httpx._auth httpx._decoders httpx._config
        httpcore._models httpcore._utils h11._util h11._headers h11._events h11._abnf attr._make attr._cmp
        attr._config attr.converters attr.filters attr.setters attr.validators attr._version_info
        parso.utils parso.tree parso.python.tokenize parso.python.prefix parso.python.token
        parso.pgen2.generator parso.pgen2.grammar_parser parso.python.tree parso.python.errors jedi.common
        jedi.inference.helpers jedi.parser_utils jedi.inference.utils jedi.api.helpers jedi.settings
        jedi.debug idna.core idna.intranges idna.codec certifi.core pluggy._hooks pluggy._result iniconfig
        iniconfig._parse packaging.version packaging.utils packaging.tags packaging.specifiers
        packaging.markers packaging._parser packaging._tokenizer packaging.requirements packaging.metadata
        pathspec.util pathspec.pattern hypothesis.internal.floats hypothesis.internal.intervalsets
        hypothesis.internal.conjecture.utils hypothesis.internal.filtering hypothesis.internal.charmap
        grimp.domain.valueobjects click.utils click.formatting click.parser rich.color rich.cells
        rich.measure rich.segment rich.style rich.text rich.padding rich._ratio rich._pick rich.region
        rich.filesize rich.markup pygments.util sortedcontainers.sortedlist cattrs.strategies._unions
        pygls.uris pygls.workspace.position_codec
        """
    )
)


@dataclass(slots=True)
class Figures:
    """What one run over the corpus gave."""

    n_modules: int = 0
    n_targets: int = 0
    n_covered: int = 0
    n_tests: int = 0
    n_unknown: int = 0
    seconds: float = 0.0
    crashes: list[str] = field(default_factory=list[str])
    unparsable: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    n_passed: int = 0
    slowest: tuple[float, str] = (0.0, "")
    notes: list[str] = field(default_factory=list[str])


def source_of(module: str) -> str | None:
    try:
        spec = importlib.util.find_spec(module)
        return None if spec is None or spec.origin is None else Path(spec.origin).read_text(encoding="utf-8")
    except (ImportError, OSError, UnicodeDecodeError, ValueError):
        return None


def generate(modules: list[str], folder: Path) -> Figures:
    """Write one test file per module into `folder`."""
    figures = Figures()
    (folder / "conftest.py").write_text((HERE / "skeleton_conftest.txt").read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    for module in modules:
        source = source_of(module)
        if source is None:
            continue
        began = time.perf_counter()
        try:
            targets = targets_of(read_module(source), None)
            result = write_tests(source, f"{module}.py", None, module)
        except Exception as error:  # noqa: BLE001  # a crash of the generator is what we count
            figures.crashes.append(f"{module}: {error!r}")
            continue
        took = time.perf_counter() - began
        figures.seconds += took
        figures.slowest = max(figures.slowest, (took, module))
        figures.n_modules += 1
        figures.n_targets += len(targets)
        figures.n_covered += len(targets) - sum(" is not called: " in note for note in result.notes)
        figures.n_tests += len(result.names)
        figures.n_unknown += result.text.count("result not known offline")
        figures.notes.extend(result.notes)
        try:
            ast.parse(result.text)
        except SyntaxError as error:
            figures.unparsable.append(f"{module}: {error}")
            continue
        (folder / f"test_{module.replace('.', '_')}_.py").write_text(result.text, encoding="utf-8")
    return figures


def run(folder: Path, figures: Figures, timeout_s: float = 240) -> str:
    """Run the generated files in a process of their own."""
    env = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    env.pop("PYTHONPATH", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "--tb=line", "-rfE",
               "-W", "ignore", str(folder)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, cwd=folder, env=env, check=False)
    passed = re.search(r"(\d+) passed", done.stdout)
    figures.n_passed = int(passed.group(1)) if passed else 0
    figures.failures = re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.MULTILINE)
    return done.stdout + done.stderr


def check(figures: Figures, output: str) -> None:
    assert figures.crashes == []
    assert figures.unparsable == []
    assert figures.failures == [], output[-4000:]
    assert figures.n_passed == figures.n_tests


def test_a_sample_of_the_standard_library(tmp_path: Path) -> None:
    figures = generate(list(SAMPLE), tmp_path)
    output = run(tmp_path, figures)
    assert figures.n_tests >= 5
    check(figures, output)


@pytest.mark.slow
def test_the_whole_corpus(tmp_path: Path) -> None:
    figures = generate((sorted({*STANDARD, *INSTALLED})), tmp_path)
    assert figures.n_targets >= 500
    check(figures, run(tmp_path, figures))


def main() -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.environ.get("KEEP") or name)
        folder.mkdir(exist_ok=True)
        figures = generate((sorted({*STANDARD, *INSTALLED})), folder)
        output = run(folder, figures)
    if os.environ.get("KEEP"):
        (folder / "notes.txt").write_text("\n".join(figures.notes), encoding="utf-8")
    print("\n".join([*figures.crashes, *figures.unparsable, *figures.failures]))
    print(output[-600:])
    print({name: getattr(figures, name) for name in ("n_modules", "n_targets", "n_covered", "n_tests", "n_unknown",
                                                     "n_passed", "seconds", "slowest")})  # fmt: skip


if __name__ == "__main__":
    main()
