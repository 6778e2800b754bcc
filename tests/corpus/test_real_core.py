"""The offline jobs through the real core: a few files always, many with SLOW=1, type checker and imports included."""

from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest

from tests.corpus import real_checks, real_jobs
from tests.corpus.real_core import Figures
from tests.corpus.real_jobs import run_files
from tests.corpus.sources import all_files, sample

FAST = (real_jobs.explain, real_jobs.document, real_jobs.fix_colon, real_jobs.annotate, real_jobs.rename_across,
        real_jobs.extract_function, real_jobs.organise, real_jobs.write_tests)  # fmt: skip
N_FILES = 70


def module_name(path: str) -> str:
    """The dotted name of a file of the standard library or of an installed package."""
    for root in ("site-packages/", f"python{real_checks.python_version()}/"):
        if root in path:
            return path.rpartition(root)[2].removesuffix(".py").replace("/", ".")
    return ""


def small_files() -> list[Path]:
    return [path for path in all_files() if 1500 < path.stat().st_size < 6000 and "test" not in path.as_posix()]


def test_a_sample_goes_through_the_real_core() -> None:
    files = small_files()
    figures = anyio.run(run_files, files[:: len(files) // 2][:2], FAST)
    assert figures.failures == []
    assert figures.n.total() >= 8


def not_importing(figures: Figures) -> list[str]:
    """Annotated files that imported before and do not now."""
    named = {
        name: pair
        for path, *pair in figures.annotated
        if (name := module_name(path)) and not path.endswith("__init__.py")
    }
    before = real_checks.imports({name: old for name, (old, _) in named.items()})
    after = real_checks.imports({name: new for name, (_, new) in named.items()})
    return [f"{name}: {after.get(name)}" for name, why in before.items() if not why and after.get(name, "gone")]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(2))
def test_many_files_go_through_the_real_core(part: int) -> None:
    figures = anyio.run(run_files, sample(N_FILES, 100 + part))
    print(figures.report())
    pairs = {f"m{i}_{Path(path).name}": (old, new) for i, (path, old, new) in enumerate(figures.annotated)}
    assert figures.failures == []
    assert figures.n.total() >= 500
    assert real_checks.new_type_errors(pairs) == []
    assert not_importing(figures) == []


@pytest.mark.slow
def test_written_tests_run() -> None:
    files = [
        path
        for path in sample(200, 5)
        if "site-packages" not in path.as_posix() and path.parent.name.startswith("python3")
    ]
    figures = anyio.run(run_files, files[:40], (real_jobs.write_tests,))
    assert figures.failures == []
    with TemporaryDirectory() as folder:
        assert real_checks.failing_tests(Path(folder), figures.skeletons) == []
