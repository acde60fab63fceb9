"""Forms of the pages: what a person typed is checked here and never thrown away.

No field carries `maxlength`: browsers cut a pasted text at it without a word.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.http import QueryDict
from django.utils.translation import get_language, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from interview_app.models import (
    ANSWER_MAX_LENGTH,
    MAX_QUESTIONS,
    POSTING_MAX_LENGTH,
    RESUME_MAX_LENGTH,
    ROLE_MAX_LENGTH,
    InterviewType,
    Language,
    Mode,
    Seniority,
)
from interview_app.refusals import ParserBusy
from interview_app.resume_files import read_resume
from operations.refusals import Refusal

SENIORITIES = [
    (Seniority.INTERN, _("Intern or apprentice")),
    (Seniority.JUNIOR, _("Junior")),
    (Seniority.MID, _("Mid-level")),
    (Seniority.SENIOR, _("Senior")),
    (Seniority.LEAD, _("Lead")),
]
INTERVIEW_TYPES = [
    (InterviewType.MIXED, _("A mix of everything")),
    (InterviewType.BEHAVIORAL, _("What you have done")),
    (InterviewType.SITUATIONAL, _("What you would do")),
    (InterviewType.TECHNICAL, _("How things work (technical)")),
]
MODES = [
    (Mode.PRACTICE, _("After every answer")),
    (Mode.REAL, _("Only at the end, as in reality")),
]
LANGUAGES = [(Language.ENGLISH, "English"), (Language.GERMAN, "Deutsch")]


TOO_LONG = ngettext_lazy(
    "At most %(limit_value)d character is possible; this has %(show_value)d. Please shorten it.",
    "At most %(limit_value)d characters are possible; this has %(show_value)d. Please shorten it.",
    "limit_value",
)
# Django's own words, of the two it has those that do not repeat what was sent.
NOT_OFFERED = {"invalid_choice": forms.ModelChoiceField.default_error_messages["invalid_choice"]}
HAS_NUL = _("The text contains a NUL character. Please paste it again as plain text.")


class WrittenField(forms.CharField):
    """Text a person wrote: kept word for word, but for line ends, which browsers send as CR LF."""

    def __init__(self, *, limit: int, rows: int = 0, **options: Any) -> None:
        widget = forms.Textarea(attrs={"rows": rows, "dir": "auto"}) if rows else forms.TextInput
        super().__init__(widget=widget, strip=False, **options)
        self.validators.append(MaxLengthValidator(limit, message=TOO_LONG))
        self.validators.append(ProhibitNullCharactersValidator(message=HAS_NUL))

    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        return "" if not text.strip() else text.replace("\r\n", "\n")


class KeyedForm(forms.Form):
    """A form that may be sent twice. The same key with the same content is the same submission."""

    form_key = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}), required=False
    )
    keyed_fields: tuple[str, ...] = ()

    def submission_key(self) -> uuid.UUID:
        """The key in the form, mixed with what was typed: whoever goes back in the browser, changes
        the text and sends it again means something new."""
        typed = [self.cleaned_data[name] for name in self.keyed_fields]
        key = self.cleaned_data["form_key"] or uuid.uuid4()
        return uuid.uuid5(key, json.dumps(typed, ensure_ascii=True))


class ResumeFileForm(forms.Form):
    """A résumé as text or as a file. The file wins; its text then stands in the box."""

    resume_text = WrittenField(
        label=_("Your résumé"), limit=RESUME_MAX_LENGTH, rows=9, required=False
    )
    resume_file = forms.FileField(
        label=_("or choose a file"),
        required=False,
        allow_empty_file=True,
        help_text=_("A .txt, .pdf or .docx file, at most 5 MB and 20 pages."),
        widget=forms.FileInput(attrs={"accept": ".txt,.pdf,.docx"}),
    )

    resume_source = "text"
    busy: ParserBusy | None = None
    """Set where the file could not be read only because no parser was free."""

    def clean_resume_file(self) -> UploadedFile[bytes] | None:
        upload: UploadedFile[bytes] | None = self.cleaned_data.get("resume_file")
        if not upload:
            return None
        try:
            text, self.resume_source = read_resume(upload.name or "", upload.read())
        except Refusal as refusal:
            if isinstance(refusal, ParserBusy):
                self.busy = refusal
            raise ValidationError(str(refusal.message), code=refusal.code) from refusal
        self.fields["resume_text"].run_validators(text)
        self._put_into_box(text)
        return upload

    def _put_into_box(self, text: str) -> None:
        # A browser cannot fill a file field again. If another field is wrong, the text is not lost.
        data = cast(QueryDict, self.data).copy()
        data[self.add_prefix("resume_text")] = text
        self.data = data
        self.cleaned_data["resume_text"] = text
        self.errors.pop("resume_text", None)


def readers_language() -> str:
    """The language of the page, where an interview can be held in it."""
    language = (get_language() or "")[:2]
    return language if language in Language.values else Language.ENGLISH.value


class NewPracticeForm(KeyedForm, ResumeFileForm):
    keyed_fields = (
        "role",
        "job_description",
        "resume_text",
        "seniority",
        "question_count",
        "interview_type",
        "mode",
        "language",
    )
    field_order = ("role", "job_description", "resume_text", "resume_file")

    role = WrittenField(
        label=_("Which role is it?"),
        limit=ROLE_MAX_LENGTH,
        error_messages={"required": _("Please name the role you want to practise for.")},
    )
    job_description = WrittenField(
        label=_("The job posting"),
        help_text=_("Paste all of it: the questions will ask about what it says."),
        limit=POSTING_MAX_LENGTH,
        rows=9,
        required=False,
    )
    seniority = forms.ChoiceField(
        label=_("Level"), choices=SENIORITIES, initial=Seniority.MID, error_messages=NOT_OFFERED
    )
    question_count = forms.IntegerField(
        label=_("Questions"), min_value=1, max_value=MAX_QUESTIONS, initial=5
    )
    interview_type = forms.ChoiceField(
        label=_("Kind of questions"),
        choices=INTERVIEW_TYPES,
        initial=InterviewType.MIXED,
        error_messages=NOT_OFFERED,
    )
    mode = forms.ChoiceField(
        label=_("Feedback"), choices=MODES, initial=Mode.PRACTICE, error_messages=NOT_OFFERED
    )
    language = forms.ChoiceField(
        label=_("Language of the interview"),
        choices=LANGUAGES,
        initial=readers_language,
        error_messages=NOT_OFFERED,
    )


class AnswerForm(KeyedForm):
    keyed_fields = ("text",)

    text = WrittenField(
        label=_("Your answer"),
        limit=ANSWER_MAX_LENGTH,
        rows=12,
        error_messages={"required": _("There is nothing to save yet: please write an answer.")},
    )


class DraftForm(forms.Form):
    text = WrittenField(limit=ANSWER_MAX_LENGTH, required=False)


class ResumeForm(ResumeFileForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("resume_text"):
            self.add_error("resume_text", _("Please paste your résumé or choose a file."))
        return cleaned


class SignInForm(AuthenticationForm):
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("This user name and password do not belong together. Please try again."),
    }


class OwnPasswordForm(forms.Form):
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


if TYPE_CHECKING:
    UserForm = UserCreationForm[User]
else:  # generic in its stubs alone
    UserForm = UserCreationForm


class SignUpForm(UserForm):
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    class Meta:
        model = User
        fields = ("username", "email")
