"""The form in which a person corrects what was found in the résumé."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from interview_app.forms import NOT_OFFERED, WrittenField
from interview_app.outline.entry import FIELD_MAX_LENGTH, MAX_ENTRIES

SECTION_NAMES = [
    ("experience", _("Work")),
    ("projects", _("Project")),
    ("volunteering", _("Voluntary work")),
    ("education", _("Education")),
    ("skills", _("Skills")),
]


class ResumeEntryForm(forms.Form):
    section = forms.ChoiceField(
        label=_("Section"), choices=SECTION_NAMES, error_messages=NOT_OFFERED
    )
    title = WrittenField(
        label=_("Position, subject or skills"), limit=FIELD_MAX_LENGTH, required=False
    )
    employer = WrittenField(label=_("Employer or school"), limit=FIELD_MAX_LENGTH, required=False)
    dates = WrittenField(label=_("Dates"), limit=FIELD_MAX_LENGTH, required=False)


ResumeEntryForms = forms.formset_factory(
    ResumeEntryForm, extra=1, max_num=MAX_ENTRIES, validate_max=True
)
