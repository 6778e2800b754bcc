"""Makes jedi, in this process, read unsaved and pending text instead of the disk: of every module, new ones too.

Owns the virtual files and all changes to jedi and parso. Knows no requests. Start with `VirtualFiles.install`.
"""

# jedi and parso have no types for what is replaced here.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportMissingParameterType=false, reportPrivateUsage=false
# pyright: reportUnknownLambdaType=false, reportAttributeAccessIssue=false

import importlib
import importlib.machinery
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_STALE = -1.0
_VIRTUAL_TIME = 0.0


class VirtualFiles:
    """Absolute path → text, or None for a deleted file. What is not in it is read from disk."""

    def __init__(self) -> None:
        self._texts: dict[str, str | None] = {}
        self._patched: set[str] = set()

    def update(self, changed: dict[str, str | None], dropped: list[str]) -> bool:
        """Takes over changed texts and lets dropped paths go back to the disk. Whether anything changed."""
        for path in dropped:
            self._texts.pop(_key(path), None)
        self._texts.update({_key(path): text for path, text in changed.items()})
        for path in (*changed, *dropped):
            _forget_tree(_key(path))
            self._patched.add(_key(path))
        return bool(changed or dropped)

    def forget_patched(self, path: str) -> None:
        """Drops this file's tree and those of all texts that changed, so that each is parsed whole when next needed."""
        from parso.cache import parser_cache

        for key in (*self._patched, _key(path)):
            for by_path in parser_cache.values():
                by_path.pop(key, None)
                by_path.pop(Path(key), None)
        self._patched.clear()

    def text(self, path: object) -> str | None:
        """The virtual text; raises FileNotFoundError for a deleted file, KeyError for one that is on disk only."""
        found = self._texts[_key(path)]
        if found is None:
            raise FileNotFoundError(path)
        return found

    def has(self, path: object) -> bool:
        return self._texts.get(_key(path)) is not None

    def is_deleted(self, path: object) -> bool:
        key = _key(path)
        return key in self._texts and self._texts[key] is None

    def read(self, path: str) -> str:
        """The text as jedi sees it."""
        if _key(path) in self._texts:
            return self.text(path) or ""
        return Path(path).read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")

    def under(self, folder: object) -> Iterator[str]:
        prefix = _key(folder).rstrip(os.sep) + os.sep
        return (path for path, text in self._texts.items() if text is not None and path.startswith(prefix))

    def install(self) -> None:
        _install_reading(self)
        _install_folders(self)
        _install_imports(self)
        _install_cache()


def _key(path: object) -> str:
    return os.path.normpath(str(path))


def _forget_tree(key: str) -> None:
    """Has parso compare the text again; the old tree stays, so that only the difference is parsed."""
    from parso.cache import parser_cache

    for by_path in parser_cache.values():
        for name in (key, Path(key)):
            if name in by_path:
                by_path[name].change_time = _STALE


def _install_reading(files: VirtualFiles) -> None:
    from parso.file_io import FileIO

    read, modified = FileIO.read, FileIO.get_last_modified

    def read_virtual(self: Any) -> Any:
        try:
            return files.text(self.path)
        except KeyError:
            return read(self)

    def modified_virtual(self: Any) -> Any:
        if files.has(self.path):
            return _VIRTUAL_TIME
        return None if files.is_deleted(self.path) else modified(self)

    FileIO.read = read_virtual
    FileIO.get_last_modified = modified_virtual


def _install_folders(files: VirtualFiles) -> None:
    from jedi.file_io import FileIO, FolderIO

    walk, listed = FolderIO.walk, FolderIO.list

    def list_virtual(self: Any) -> list[str]:
        new = {os.path.basename(path) for path in files.under(self.path) if os.path.dirname(path) == _key(self.path)}
        try:
            names = set(listed(self))
        except OSError:
            names = set()
        return sorted(name for name in names | new if not files.is_deleted(os.path.join(self.path, name)))

    def walk_virtual(self: Any) -> Iterator[Any]:
        # First what is unsaved: searches stop at a number of files.
        for path in list(files.under(self.path)):
            yield FolderIO(os.path.dirname(path)), [], [FileIO(path)]
        for root, folders, ios in walk(self):
            yield root, folders, [io for io in ios if not files.has(io.path) and not files.is_deleted(io.path)]

    FolderIO.list = list_virtual
    FolderIO.walk = walk_virtual


class _Loader:
    """Enough of a loader for jedi: it asks for the source and the file name, and runs nothing."""

    def __init__(self, path: str, text: str, is_package: bool) -> None:
        self.path, self._text, self._is_package = path, text, is_package

    def get_filename(self, _name: str) -> str:
        return self.path

    def get_source(self, _name: str) -> str:
        return self._text

    def is_package(self, _name: str) -> bool:
        return self._is_package


class _Finder:
    """Finds modules in the virtual files first, folder by folder, as the import system orders them."""

    def __init__(self, files: VirtualFiles) -> None:
        self._files = files
        self.is_active = False

    def find_spec(self, name: str, path: Any = None, _target: object = None) -> Any:
        if not self.is_active:
            return None
        folders = [str(folder) for folder in (sys.path if path is None else path)]
        specs = (self._in(folder, name) for folder in folders)
        found = next((spec for spec in specs if spec is not None), None) or self._namespace(folders, name)
        if found is None and any(self._is_deleted(folder, name) for folder in folders):
            raise ImportError(name)  # else the finder after this one takes it from the disk
        return found

    def _is_deleted(self, folder: str, name: str) -> bool:
        leaf = name.rpartition(".")[2]
        endings = (os.path.join(leaf, "__init__.py"), f"{leaf}.py")
        return any(self._files.is_deleted(os.path.join(folder, ending)) for ending in endings)

    def _in(self, folder: str, name: str) -> Any:
        leaf = name.rpartition(".")[2]
        for ending, is_package in ((os.path.join(leaf, "__init__.py"), True), (f"{leaf}.py", False)):
            path = os.path.join(folder, ending)
            if self._files.has(path):
                loader = _Loader(path, self._files.text(path) or "", is_package)
                return SimpleNamespace(loader=loader, origin=path, has_location=True)
        spec = importlib.machinery.PathFinder.find_spec(name, [folder])
        usable = spec is not None and spec.loader is not None and not self._files.is_deleted(spec.origin)
        return spec if usable else None

    def _namespace(self, folders: list[str], name: str) -> Any:
        leaf = name.rpartition(".")[2]
        places = [os.path.join(folder, leaf) for folder in folders]
        found = [place for place in places if os.path.isdir(place) or any(self._files.under(place))]
        if not found:
            return None
        locations = SimpleNamespace(_path=found)
        return SimpleNamespace(loader=None, origin=None, has_location=False, submodule_search_locations=locations)


def _install_imports(files: VirtualFiles) -> None:
    from jedi.inference.compiled.subprocess import functions

    finder = _Finder(files)
    find_module = functions._find_module

    def find_module_virtual(*args: Any, **kwargs: Any) -> Any:
        finder.is_active = True
        try:
            return find_module(*args, **kwargs)
        finally:
            finder.is_active = False

    functions._find_module = find_module_virtual
    at = sys.meta_path.index(importlib.machinery.PathFinder)
    sys.meta_path.insert(at, finder)


def _install_cache() -> None:
    """Pickles of parsed files: only of the Python and packages we run on, only in the user's cache directory."""
    import parso.cache
    import platformdirs
    from jedi import settings

    settings.cache_directory = Path(platformdirs.user_cache_dir("copydesk", appauthor=False)) / "jedi"
    ours = tuple({_key(sys.prefix), _key(sys.base_prefix), _key(os.path.dirname(os.__file__))})
    save, load = parso.cache._save_to_file_system, parso.cache._load_from_file_system

    def save_ours(hashed_grammar: Any, path: Any, item: Any, cache_path: Any = None) -> None:
        if _key(path).startswith(ours):
            try:
                save(hashed_grammar, path, item, cache_path=cache_path)
            except OSError:
                pass  # a full or read-only disk costs time, nothing else

    def load_ours(hashed_grammar: Any, path: Any, p_time: Any, cache_path: Any = None) -> Any:
        if not _key(path).startswith(ours):
            return None
        try:
            return load(hashed_grammar, path, p_time, cache_path=cache_path)
        except Exception:  # noqa: BLE001  # a damaged pickle raises anything
            return None

    parso.cache._save_to_file_system = save_ours
    parso.cache._load_from_file_system = load_ours
