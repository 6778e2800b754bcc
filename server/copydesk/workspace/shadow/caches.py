"""What commands wrote that git ignores, kept for the commands after them: layers between the views and the real tree.

A layer is never written while a command looks through it: what comes meanwhile begins a new layer on top, and layers
that nobody uses are joined. Each entry is remembered with what stood in the real tree in its place; when that changes,
the entry goes, so that nobody works with droppings of another time. Start with `Cache.take` and `Cache.use`.
"""

import os
import shutil
import stat
import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from copydesk.workspace.shadow.layers import is_opaque, is_whiteout, make_opaque

Identity: TypeAlias = tuple[int, int, int] | None
"""Of what stands in the real tree; None for nothing. Of a folder: without its size."""


@dataclass(slots=True)
class _Layer:
    path: str
    n_users: int = 0
    known: dict[str, Identity] = field(default_factory=dict[str, Identity])
    opaque: set[str] = field(default_factory=set[str])


class Cache:
    """Of one tree. Safe to use from several threads."""

    def __init__(self, tree: str, folder: str) -> None:
        self._tree = tree
        self._folder = folder
        self._layers: list[_Layer] = []  # the topmost first
        self._n_made = 0
        self.standing: frozenset[str] = frozenset()
        """Folders that commands have left, be it without anything."""
        self._lock = threading.Lock()

    @property
    def is_empty(self) -> bool:
        return not self._layers

    def use(self) -> "CacheUse":
        """The layers as they are now, without what the real tree has outrun. They stay so until given back."""
        with self._lock:
            self._layers = [layer for layer in self._layers if os.path.isdir(layer.path)]
            for layer in self._layers:
                if not layer.n_users:
                    self._drop_outrun(layer)
            for layer in self._layers:
                layer.n_users += 1
            return CacheUse(self, tuple(self._layers))

    def take(self, upper: str, relatives: Iterable[str], since_ns: int) -> None:
        """Moves entries of an upper folder here. What the real tree got in their place after `since_ns` goes first."""
        entries = list(relatives)
        if not entries:
            return
        with self._lock:
            layer = self._writable()
            for relative in entries:
                self._take_one(layer, upper, relative, since_ns)

    def left(self, standing: Collection[str], gone: Collection[str]) -> None:
        """Which folders a command has left standing, and which it has taken away."""
        with self._lock:
            kept = (each for each in self.standing if not any(_is_in(each, folder) for folder in gone))
            self.standing = frozenset((*kept, *standing))

    def give_back(self, layers: Iterable[_Layer]) -> None:
        with self._lock:
            for layer in layers:
                layer.n_users -= 1
            self._join()

    # --- inside the lock ---

    def _writable(self) -> _Layer:
        if not self._layers or self._layers[0].n_users:
            self._n_made += 1
            path = os.path.join(self._folder, f"layer-{self._n_made}")
            os.makedirs(path, mode=0o700)
            self._layers.insert(0, _Layer(path))
        return self._layers[0]

    def _take_one(self, layer: _Layer, upper: str, relative: str, since_ns: int) -> None:
        source = os.path.join(upper, relative)
        if not self._remember(layer, upper, relative, since_ns):
            remove(source)
            return
        _make_way(layer.path, upper, os.path.dirname(relative))
        _merge(source, os.path.join(layer.path, relative), self._is_below(layer, relative))

    def _is_below(self, layer: _Layer, relative: str) -> bool:
        """Whether anything stands under an entry of this layer, so that a deletion must be kept."""
        others = [other.path for other in self._layers[self._layers.index(layer) + 1 :]]
        return any(os.path.lexists(os.path.join(path, relative)) for path in (*others, self._tree))

    def _remember(self, layer: _Layer, upper: str, relative: str, since_ns: int, in_opaque: bool = False) -> bool:
        """Notes what stands in the real tree in place of an entry. False: that is newer than what the command saw."""
        real, source = _lstat(os.path.join(self._tree, relative)), os.path.join(upper, relative)
        is_dir = stat.S_ISDIR(os.lstat(source).st_mode)
        if is_dir and self._is_hidden(relative):
            make_opaque(source)  # the kernel trusts the deletion below to stay where it is
        opaque = in_opaque or (is_dir and is_opaque(source))
        both_dirs = is_dir and real is not None and stat.S_ISDIR(real.st_mode)
        if not both_dirs or opaque:
            if real is not None and real.st_ctime_ns > since_ns:
                return False
            layer.known[relative] = identity_of(os.path.join(self._tree, relative))
            if real is not None and is_dir:
                layer.opaque.add(relative)
        if not both_dirs:
            return True
        inside = (os.path.join(relative, name) for name in os.listdir(source))
        fresh = {each: self._remember(layer, upper, each, since_ns, opaque) for each in inside}
        if opaque:
            return all(fresh.values())
        for each, is_fresh in fresh.items():
            if not is_fresh:
                remove(os.path.join(upper, each))
        return True

    def _is_hidden(self, relative: str) -> bool:
        """Whether a deletion in a layer hides what the real tree has there."""
        found = (_lstat(os.path.join(layer.path, relative)) for layer in self._layers)
        first = next((info for info in found if info is not None), None)
        return first is not None and not stat.S_ISDIR(first.st_mode)

    def _join(self) -> None:
        """Neighbouring layers without users become one."""
        for upper, lower in zip(self._layers[:-1], self._layers[1:], strict=True):
            if not upper.n_users and not lower.n_users:
                for name in os.listdir(upper.path):
                    _merge(os.path.join(upper.path, name), os.path.join(lower.path, name), True)
                lower.known |= upper.known
                lower.opaque |= upper.opaque
                shutil.rmtree(upper.path, ignore_errors=True)
                self._layers.remove(upper)
                return self._join()
        return None

    def _drop_outrun(self, layer: _Layer) -> None:
        for relative, known in list(layer.known.items()):
            if relative in layer.known and identity_of(os.path.join(self._tree, relative)) != known:
                self._drop(layer, relative)

    def _drop(self, layer: _Layer, relative: str) -> None:
        """The entry; where a folder above it hides the real one, that folder."""
        above = [folder for folder in layer.opaque if relative == folder or relative.startswith(folder + os.sep)]
        top = min(above, key=len, default=relative)
        remove(os.path.join(layer.path, top))
        inside = [known for known in layer.known if known == top or known.startswith(top + os.sep)]
        for known in inside:
            del layer.known[known]
            layer.opaque.discard(known)


@dataclass(slots=True)
class CacheUse:
    """The layers that one command looks through."""

    _cache: Cache
    _layers: tuple[_Layer, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The topmost first."""
        return tuple(layer.path for layer in self._layers)

    def give_back(self) -> None:
        """When the command has ended. Once more does nothing."""
        layers, self._layers = self._layers, ()
        if layers:
            self._cache.give_back(layers)


def _is_in(relative: str, folder: str) -> bool:
    return relative == folder or relative.startswith(folder + "/")


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def identity_of(path: str) -> Identity:
    info = _lstat(path)
    if info is None:
        return None
    size = -1 if stat.S_ISDIR(info.st_mode) else info.st_size
    return size, info.st_ino, info.st_mtime_ns


def _make_way(layer: str, upper: str, relative: str) -> None:
    """The folders that lead to an entry, plain ones: what is beside it shows through."""
    if not relative:
        return
    path = os.path.join(layer, relative)
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        _make_way(layer, upper, os.path.dirname(relative))
        os.mkdir(path)
        shutil.copystat(os.path.join(upper, relative), path, follow_symlinks=False)
        if is_opaque(path):
            for name in os.listxattr(path):
                if name.endswith("overlay.opaque"):
                    os.removexattr(path, name)
        return
    if not stat.S_ISDIR(mode):
        remove(path)
        _make_way(layer, upper, relative)


def _merge(source: str, target: str, is_below: bool) -> None:
    """What an upper layer has takes the place of what a lower one has."""
    info, there = os.lstat(source), _lstat(target)
    both_dirs = there is not None and stat.S_ISDIR(there.st_mode) and stat.S_ISDIR(info.st_mode)
    if both_dirs and not is_opaque(source):
        for name in os.listdir(source):
            _merge(os.path.join(source, name), os.path.join(target, name), True)
        remove(source)
        return
    if there is not None:
        if stat.S_ISDIR(info.st_mode) and not stat.S_ISDIR(there.st_mode):
            make_opaque(source)
        remove(target)
    if is_whiteout(info) and not is_below:
        remove(source)
        return
    os.rename(source, target)


def remove(path: str) -> None:
    """Whatever stands there, folders that let nobody in included. Nothing there is fine."""
    try:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            _remove_tree(path)
        else:
            os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass


def _remove_tree(path: str) -> None:
    def let_in(function: object, failed: str, error: object) -> None:
        del function, error
        for one in (os.path.dirname(failed), failed):
            if os.path.isdir(one) and not os.path.islink(one):
                os.chmod(one, 0o700)

    shutil.rmtree(path, onerror=let_in)
    if os.path.lexists(path):
        shutil.rmtree(path, ignore_errors=True)
