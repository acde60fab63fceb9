"""Whether the provider takes a person's own key: the call of a probe, asked for by the person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _

from operations.kinds import register
from operations.models import Operation, OwnKey
from operations.provider_probe import ProviderProbe

KEY_CHECK = "key_check"
SUBJECT = "user"


class KeyCheck(ProviderProbe):
    name = KEY_CHECK
    label = _("Check of your own key")
    at_work = _("Asking the AI service whether it takes your key")
    failure_lead = _("We could not use your own key")
    saved = _("Your key is stored")
    stopped = _("The check of your key was stopped.")
    acknowledged_as = "A check of an own key: its owner was told."

    def subjects(self, operations: Sequence[Operation]) -> Mapping[str, object]:
        """Of those whose owners have a key: without one there is nothing to check any more."""
        keys = OwnKey.objects.filter(owner__in={each.owner_id for each in operations})
        owners = set(keys.values_list("owner_id", flat=True))
        return {each.subject_id: each for each in operations if each.owner_id in owners}


register(KeyCheck())
