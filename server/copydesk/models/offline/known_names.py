"""Data: names that stand for one thing in the standard library, and where they are imported from. No logic."""

_FROM: dict[str, str] = {
    "pathlib": "Path PurePath PosixPath PurePosixPath PureWindowsPath",
    "dataclasses": "dataclass asdict astuple is_dataclass",
    "collections": "defaultdict OrderedDict Counter namedtuple deque ChainMap",
    "collections.abc": "AsyncGenerator AsyncIterable AsyncIterator Awaitable Callable Collection Container Coroutine "
    "Generator Hashable ItemsView Iterable Iterator KeysView Mapping MutableMapping MutableSequence MutableSet "
    "Reversible Sequence Sized ValuesView",
    "typing": "Any Annotated AnyStr ClassVar Concatenate Dict Final FrozenSet Generic List Literal LiteralString "
    "NamedTuple NewType NoReturn Optional ParamSpec Protocol Self Tuple TypeAlias TypeGuard TypedDict TypeVar "
    "TYPE_CHECKING Union Unpack assert_never cast get_args get_origin get_type_hints overload runtime_checkable",
    "functools": "cached_property lru_cache partial partialmethod reduce singledispatch total_ordering wraps",
    "itertools": "accumulate chain combinations combinations_with_replacement cycle groupby islice permutations "
    "starmap takewhile dropwhile tee zip_longest pairwise filterfalse",
    "contextlib": "AbstractAsyncContextManager AbstractContextManager AsyncExitStack ExitStack asynccontextmanager "
    "closing contextmanager nullcontext redirect_stderr redirect_stdout suppress",
    "datetime": "datetime timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "enum": "Enum IntEnum IntFlag StrEnum",
    "abc": "ABC ABCMeta abstractmethod",
    "io": "BytesIO StringIO TextIOWrapper",
    "types": "MappingProxyType ModuleType SimpleNamespace TracebackType",
    "uuid": "UUID uuid4",
    "copy": "deepcopy",
    "textwrap": "dedent",
    "tempfile": "NamedTemporaryFile TemporaryDirectory TemporaryFile mkdtemp mkstemp",
    "subprocess": "CalledProcessError Popen TimeoutExpired check_output",
    "threading": "Thread RLock",
    "concurrent.futures": "ProcessPoolExecutor ThreadPoolExecutor as_completed",
    "argparse": "ArgumentParser",
    "urllib.parse": "urlencode urljoin urlparse urlsplit urlunparse parse_qs",
    "urllib.request": "urlopen urlretrieve",
    "operator": "attrgetter itemgetter methodcaller",
    "math": "ceil sqrt isclose",
    "time": "perf_counter monotonic",
    "pprint": "pprint",
    "configparser": "ConfigParser",
    "string": "ascii_letters ascii_lowercase ascii_uppercase Template",
    "zipfile": "ZipFile",
    "unittest": "TestCase",
    "unittest.mock": "MagicMock",
    "weakref": "WeakKeyDictionary WeakValueDictionary WeakSet",
    "inspect": "isawaitable iscoroutinefunction",
    "shutil": "copyfile copytree rmtree",
    "glob": "iglob",
    "logging": "getLogger basicConfig",
    "traceback": "format_exc print_exc",
    "json": "JSONDecodeError JSONEncoder JSONDecoder",
}

MODULE_OF: dict[str, str] = {name: module for module, names in _FROM.items() for name in names.split()}

_FAMILIAR_MODULES_WORDS = """
    abc argparse array ast asyncio base64 bisect builtins collections configparser contextlib contextvars copy
    csv ctypes dataclasses datetime decimal difflib dis email enum errno fnmatch fractions functools gc
    getpass gettext glob gzip hashlib heapq hmac html http importlib inspect io ipaddress itertools json
    keyword linecache locale logging math mimetypes multiprocessing operator os pathlib pickle pkgutil
    platform pprint queue random re secrets shelve shlex shutil signal smtplib socket sqlite3 ssl stat
    statistics string struct subprocess sys tarfile tempfile textwrap threading time timeit tokenize tomllib
    traceback types typing unicodedata unittest urllib uuid warnings weakref webbrowser xml zipfile zlib
    zoneinfo
"""
FAMILIAR_MODULES = frozenset(_FAMILIAR_MODULES_WORDS.split())
