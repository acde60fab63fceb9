"""The registry of AI calls: what an application must say about each kind.

The engine knows how to run any call safely; a Kind knows how to ask and what to do with a reply:
`subjects()` → `request()` → the provider → `parse()` → `apply()`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.db import models
    from django.utils.functional import _StrPromise

    from operations.errors import RateLimit, Usage
    from operations.models import Operation


@dataclass(frozen=True)
class ProviderRequest:
    """What to send: chat messages and the JSON schema that the answer must fit."""

    kind: str
    messages: tuple[Mapping[str, str], ...]
    schema: Mapping[str, Any]
    prompt_version: str
    context: Mapping[str, Any] = field(default_factory=dict)
    """What `parse` needs again (the answer's text to verify quotes, say); never sent."""
    model: str | None = None
    """Null: the installation's OPENAI_MODEL."""
    steady: bool = False
    """Asked for so that the same question gets the same answer, where the server can: temperature 0
    and one seed. For judgements; texts that should differ from one time to the next ask without."""


@dataclass(frozen=True)
class ProviderReply:
    """A usable 2xx answer. `content` is the decoded JSON value of the message, already storable:
    no NUL, lone surrogate, NaN or infinity."""

    content: object
    model: str
    usage: Usage
    provider_request_id: str
    simulated: bool
    http_status: int = 200
    """200 for replies that no HTTP call brought."""
    rate_limits: tuple[RateLimit, ...] = ()
    """Of the rate limits that the answer told of."""


class Kind(ABC):
    """One kind of AI call. Instances hold no state: one is shared by all operations."""

    name: str
    label: _StrPromise | str = ""
    at_work: _StrPromise | str = _("Working on it")
    """While it is pending or running: "Preparing your questions"."""
    failure_lead: _StrPromise | str = ""
    """Start of the sentence a person reads on failure: "We could not prepare your questions"."""
    saved: _StrPromise | str = _("Everything you wrote is saved")
    """What a failure has not lost: "The posting and your résumé are saved"."""
    stopped: _StrPromise | str = _("This was stopped.")
    sends: _StrPromise | str = ""
    """What goes to the provider, for who wants to know: "The question and your answer to it"."""
    acknowledged_as: str = ""
    """The note with which its failure is acknowledged as it is written, where there is nothing for
    an operator to look at besides."""
    waits_for: tuple[str, ...] = ()
    """Kinds whose unfinished operations of the same session should end first; waited for at most
    `due.PATIENCE`, then this kind must cope with what is missing."""

    def typical_tokens(self) -> tuple[int, int] | None:
        """Sent and written for a usual call, while none was measured here; None: nobody asks for
        this kind knowingly, so that no estimate of it is kept."""
        return None

    @abstractmethod
    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, Any]:
        """What the requests of these operations need, by subject id, read for all of them at once.
        Runs inside the claim's transaction: reads only."""

    @abstractmethod
    def request(self, operation: Operation, subject: Any) -> ProviderRequest:
        """Build the request from what `subjects` read."""

    @abstractmethod
    def parse(self, content: object, request: ProviderRequest) -> Any:
        """Check the reply beyond its schema. Pure; raises `pydantic.ValidationError` or
        `InvalidResponseError`."""

    @abstractmethod
    def apply(
        self, operation: Operation, result: Any, reply: ProviderReply
    ) -> Iterable[models.Model]:
        """The result rows, unsaved: the engine inserts them, with those of other operations, in the
        transaction that completes the operation, after its compare-and-swap. What is no plain
        insert is written here. A second call for the same subject replaces nothing silently."""

    @abstractmethod
    def simulate(self, request_body: Mapping[str, Any]) -> object:
        """The content that the simulated provider answers with; deterministic."""


MODEL_PARAMETER = "model"
"""Of an operation: the model that its newest run uses instead of the usual one."""

DEFER_PARAMETER = "defer_rate_limited"
"""Of an operation: its newest run waits for a rate limit as if OPERATIONS_DEFER_RATE_LIMITED were
set, since it was begun with many others."""

_kinds: dict[str, Kind] = {}


class UnknownKind(LookupError):
    """No application registered this kind."""


class SubjectGone(LookupError):
    """What the operation is about was deleted: there is nothing left to ask for."""


def register(kind: Kind) -> Kind:
    if kind.name in _kinds:
        raise ValueError(f"kind {kind.name!r} is registered twice")
    _kinds[kind.name] = kind
    return kind


def unregister(name: str) -> None:
    """For tests that register a kind of their own."""
    _kinds.pop(name, None)


def get_kind(name: str) -> Kind:
    try:
        return _kinds[name]
    except KeyError:
        raise UnknownKind(name) from None


def words_of(name: str) -> Kind | type[Kind]:
    """The kind, to be read for its words alone: one of an older release has those of all kinds."""
    return _kinds.get(name, Kind)


def requests_of(
    kind: Kind, operations: Sequence[Operation]
) -> Iterator[tuple[Operation, ProviderRequest]]:
    """What to send for each. A retry may have asked for another model than the kind or the
    installation. Raises `SubjectGone`."""
    subjects = kind.subjects(operations)
    for operation in operations:
        if operation.subject_id not in subjects:
            raise SubjectGone(operation.subject_id)
        request = kind.request(operation, subjects[operation.subject_id])
        model = operation.parameters.get(MODEL_PARAMETER)
        yield operation, replace(request, model=model) if model else request


def all_kinds() -> tuple[Kind, ...]:
    return tuple(_kinds.values())
