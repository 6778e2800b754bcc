"""The error tree. Every error a person can see names the thing, says why, and what to do next.

CopydeskError
├── ConfigError               a setting that cannot be used
├── BadSchema                 a schema for answers that cannot be used
├── WorkspaceError
│   ├── OutsideWorkspace      the path leaves the workspace, by itself or through a link
│   ├── MissingFile           there is nothing at the path
│   ├── UnreadableFile        permission, a directory, a device
│   ├── BinaryFile            not text
│   ├── UnknownEncoding       text in an encoding that cannot be known
│   ├── FileTooLarge          over the limit for reading
│   ├── FileExists            creating would overwrite
│   └── StaleEdit             the text an edit was planned on is gone
├── ToolError                 a message *to the model*; never ends a turn
│   ├── InvalidArguments      the call does not fit the schema
│   ├── PermissionDenied      the person, a rule or the mode said no
│   └── ToolFailed            it ran and did not work
└── ModelError                the only error a model stream raises
    ├── TransientModelError   may work if tried again
    │   ├── RateLimited       (retry_after_s)
    │   ├── Overloaded        (retry_after_s)
    │   ├── ModelTimeout
    │   └── ConnectionLost
    └── PermanentModelError   will not work unchanged
        ├── MissingKey        no key: which variable, how to set it, what works without
        ├── AuthRejected
        ├── UnknownModel
        ├── BadRequest
        ├── ContextOverflow
        ├── BadStream         the bytes are not what the wire promises (HTML, broken JSON)
        ├── Offline           network.offline is on
        ├── CircuitOpen       it failed too often in a row: left alone for a while
        ├── BudgetExceeded    could cost more than a budget leaves
        ├── NoModelAnswered   the model and all of its fallbacks failed
        └── WrongShape        a structured answer that does not fit: AnswerRefused, AnswerCutOff, AnswerEmpty are kinds
"""


class CopydeskError(Exception):
    """Base of everything raised on purpose. `advice` is the next action, in one sentence, or empty."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        ends = not self.message or not self.advice or self.message.endswith(_ENDS)
        return f"{self.message}{'' if ends else '.'} {self.advice}".strip()


_ENDS = (".", "!", "?", "…", ":", "\n")
"""What another sentence can follow: the words of others often leave the point out."""


def kind_of(error: CopydeskError) -> str:
    """The name of the error's kind in this tree: others make finer ones, which nobody outside need know."""
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == __name__)


class ConfigError(CopydeskError): ...


class BadSchema(CopydeskError):
    """A schema for answers that cannot be used; nothing was sent."""


class WorkspaceError(CopydeskError): ...


class OutsideWorkspace(WorkspaceError): ...


class MissingFile(WorkspaceError): ...


class UnreadableFile(WorkspaceError): ...


class BinaryFile(WorkspaceError): ...


class UnknownEncoding(WorkspaceError): ...


class FileTooLarge(WorkspaceError): ...


class FileExists(WorkspaceError): ...


class StaleEdit(WorkspaceError): ...


class ToolError(CopydeskError): ...


class InvalidArguments(ToolError): ...


class PermissionDenied(ToolError): ...


class ToolFailed(ToolError): ...


class ModelError(CopydeskError):
    """`status` is that of the HTTP answer, 0 without one. `another_may`: it is about this provider or account, so that
    another model may well answer the same request.
    """

    status = 0
    another_may = False


class TransientModelError(ModelError):
    def __init__(self, message: str, *, advice: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, advice=advice)
        self.retry_after_s = retry_after_s


class RateLimited(TransientModelError): ...


class Overloaded(TransientModelError): ...


class ModelTimeout(TransientModelError): ...


class ConnectionLost(TransientModelError): ...


class PermanentModelError(ModelError): ...


class MissingKey(PermanentModelError): ...


class AuthRejected(PermanentModelError): ...


class UnknownModel(PermanentModelError): ...


class BadRequest(PermanentModelError): ...


class ContextOverflow(PermanentModelError): ...


class BadStream(PermanentModelError): ...


class Offline(PermanentModelError): ...


class CircuitOpen(PermanentModelError):
    """The model failed too often in a row and is left alone for a while."""


class BudgetExceeded(PermanentModelError):
    """The request could cost more than a `budget.*` setting leaves; it was not sent."""


class WrongShape(PermanentModelError):
    """A structured answer that does not fit its schema, also not when asked again. The others are kinds of it.

    `answer` is what the model said; `problems` what is wrong with it, each as a place in it (`items[2].name`, empty for
    the whole) and what is wrong there.
    """

    def __init__(
        self, message: str, *, advice: str = "", answer: str = "", problems: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message, advice=advice)
        self.answer = answer
        self.problems = problems


class AnswerRefused(WrongShape): ...


class AnswerCutOff(WrongShape): ...


class AnswerEmpty(WrongShape): ...


class NoModelAnswered(PermanentModelError):
    """The model and each of its fallbacks failed; the message says of each why."""
