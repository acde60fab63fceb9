"""The smallest call there is: whether the provider takes a paused key again. It asks for nobody, so
nobody's work is spent on finding out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from operations.database import paused
from operations.kinds import Kind, ProviderReply, ProviderRequest, register
from operations.models import PROVIDER_PROBE, Operation

SUBJECT = "provider_pause"

SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}


class ProviderProbe(Kind):
    name = PROVIDER_PROBE
    label = _("Probe of the provider")
    at_work = _("Asking the AI service whether it takes the key again")
    failure_lead = _("We could not check your access to the AI service")
    saved = _("What waits goes on waiting")
    sends = _("One sentence of ours, and nothing of yours: whether the service answers.")
    acknowledged_as = "A probe: its pause stays open."

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, object]:
        """Pauses that are still open: where one was resumed meanwhile its probe is cancelled."""
        asked = [int(operation.subject_id) for operation in operations]
        still_open = paused.OPEN.filter(pk__in=asked)
        return {str(pause.pk): pause for pause in still_open}

    def request(self, operation: Operation, subject: object) -> ProviderRequest:
        return ProviderRequest(
            kind=self.name,
            messages=({"role": "user", "content": "Answer with ok = true."},),
            schema=SCHEMA,
            prompt_version=f"{self.name}/1",
        )

    def parse(self, content: object, request: ProviderRequest) -> None:
        """Any answer will do: the question was whether there is one."""

    def apply(self, operation: Operation, result: None, reply: ProviderReply) -> Sequence[Model]:
        """The success of whatever was sent although its credential is paused ends the pause."""
        return ()

    def simulate(self, request_body: Mapping[str, Any]) -> object:
        return {"ok": True}


register(ProviderProbe())
