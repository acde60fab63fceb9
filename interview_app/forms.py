"""Forms of the pages: what a person typed is checked here and never thrown away.

No field carries `maxlength`: browsers cut a pasted text at it without a word.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.contrib.auth.forms import (
    AuthenticationForm,
    PasswordChangeForm,
    SetPasswordForm,
    UserCreationForm,
)
from django.contrib.auth.models import AbstractUser, User
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import get_language, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from interview_app.accounts import count_own_password
from interview_app.delivery import Spoken
from interview_app.drafts import Tab
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
from interview_app.reading.gate import is_link
from interview_app.resume_files import ReadFile
from interview_app.resume_kinds import OFFERED
from interview_app.resume_texts import (
    LINK_INSTEAD_OF_POSTING,
    LINK_INSTEAD_OF_RESUME,
    WARNINGS,
)
from interview_app.roles import Role, ready_roles
from interview_app.services import read_upload
from operations.credentials import installation_base_url
from operations.errors import Category
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
FAILURES = [
    (Category.NETWORK, _("the network breaks off")),
    (Category.SERVER_ERROR, _("the AI service has a problem")),
    (Category.RATE_LIMIT, _("the AI service is busy")),
    (Category.INVALID_RESPONSE, _("the answer cannot be read")),
    (Category.CONTENT_BLOCKED, _("a safety filter refuses the text")),
    (Category.QUOTA_EXCEEDED, _("the credit is used up")),
    (Category.AUTHENTICATION, _("the key is not accepted")),
    (Category.INVALID_REQUEST, _("the AI service rejects the request")),
    (Category.INTERNAL, _("we made a mistake ourselves")),
]


MOST_SPOKEN = 20_000
"""Seconds or words: beyond what an answer can hold."""

TOO_LONG = ngettext_lazy(
    "At most %(limit_value)d character is possible; this has %(show_value)d. Please shorten it.",
    "At most %(limit_value)d characters are possible; this has %(show_value)d. Please shorten it.",
    "limit_value",
)
# Django's own words, of the two it has those that do not repeat what was sent.
NOT_OFFERED = {"invalid_choice": forms.ModelChoiceField.default_error_messages["invalid_choice"]}
HAS_NUL = _("The text contains a NUL character. Please paste it again as plain text.")


def refuse_link(sentence: Promise) -> Callable[[str], None]:
    """A validator: an address alone is no text, and nothing is fetched."""

    def check(text: str) -> None:
        if is_link(text):
            raise ValidationError(str(sentence), code="link_only")

    return check


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
        label=_("Your résumé"),
        limit=RESUME_MAX_LENGTH,
        rows=9,
        required=False,
        validators=[refuse_link(LINK_INSTEAD_OF_RESUME)],
    )
    resume_file = forms.FileField(
        label=_("or choose a file"),
        required=False,
        allow_empty_file=True,
        help_text=_(
            "A PDF, Word, OpenDocument, RTF, HTML or text file, at most 5 MB and 40 pages. You see"
            " what was read before it is used."
        ),
        widget=forms.FileInput(attrs={"accept": OFFERED}),
    )

    read: ReadFile | None = None
    """What was read from the file that came with this form."""
    busy: Refusal | None = None
    """Set where the file could not be read now, but can be in a moment."""

    def __init__(self, *data: Any, owner: AbstractUser, **options: Any) -> None:
        super().__init__(*data, **options)
        self._owner = owner

    def clean_resume_file(self) -> UploadedFile[bytes] | None:
        upload: UploadedFile[bytes] | None = self.cleaned_data.get("resume_file")
        if not upload:
            return None
        try:
            self.read = read_upload(owner=self._owner, name=upload.name or "", data=upload.read())
        except Refusal as refusal:
            if refusal.retry_after_seconds is not None:
                self.busy = refusal
            raise ValidationError(str(refusal.message), code=refusal.code) from refusal
        # First into the box: what is too long can be shortened there.
        self._put_into_box(self.read.text)
        self.fields["resume_text"].run_validators(self.read.text)
        return upload

    @property
    def read_warnings(self) -> list[Promise]:
        return [WARNINGS[code] for code in self.read.warnings] if self.read else []

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


def offered_roles() -> list[tuple[str, Any]]:
    roles = ready_roles(readers_language()).values()
    return [("", _("choose one …")), *((role.key, role.title) for role in roles)]


def chosen_role(sent: QueryDict) -> Role | None:
    """The ready role whose posting was asked for, in the language of the interview."""
    if "fill" not in sent:
        return None
    language = sent.get("language", "")
    roles = ready_roles(language if language in Language.values else readers_language())
    return roles.get(sent.get("ready", ""))


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
    field_order = ("ready", "role", "job_description", "resume_text", "resume_file")

    ready = forms.ChoiceField(
        label=_("No posting at hand? Take one of these"),
        choices=offered_roles,
        required=False,
        error_messages=NOT_OFFERED,
    )
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
        validators=[refuse_link(LINK_INSTEAD_OF_POSTING)],
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


class TypedInTab(forms.Form):
    """What tells the tabs apart in which one question stands. A form of an older page, or a
    program, may leave it out: then there is nothing to tell apart."""

    form_key = forms.UUIDField(required=False)
    draft_seen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=40)

    def tab(self) -> Tab | None:
        key = self.cleaned_data["form_key"]
        return Tab(key, self.cleaned_data["draft_seen"]) if key else None


class AnswerForm(KeyedForm, TypedInTab):
    keyed_fields = ("text",)

    text = WrittenField(
        label=_("Your answer"),
        limit=ANSWER_MAX_LENGTH,
        rows=12,
        error_messages={"required": _("There is nothing to save yet: please write an answer.")},
    )
    failure = forms.ChoiceField(
        label=_("Show me a failure"),
        required=False,
        choices=[("", _("none")), *FAILURES],
        help_text=_("The simulated provider fails for this answer alone; then try again."),
    )

    # Of a dictation, counted by the page's script: facts for the person, nothing hangs on them.
    spoken_seconds = forms.IntegerField(
        widget=forms.HiddenInput, required=False, min_value=0, max_value=MOST_SPOKEN
    )
    spoken_words = forms.IntegerField(
        widget=forms.HiddenInput, required=False, min_value=0, max_value=MOST_SPOKEN
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("spoken_seconds", "spoken_words"):
            # A wrong number must not keep an answer from being saved.
            if self.errors.pop(name, None):
                cleaned[name] = None
        return cleaned

    def spoken(self) -> Spoken | None:
        seconds, words = self.cleaned_data["spoken_seconds"], self.cleaned_data["spoken_words"]
        if not seconds or not words:
            return None
        return Spoken(seconds, words)


class DraftForm(TypedInTab):
    text = WrittenField(limit=ANSWER_MAX_LENGTH, required=False)


class ResumeForm(ResumeFileForm):
    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("resume_text"):
            self.add_error("resume_text", _("Please paste your résumé or choose a file."))
        return cleaned


class SignInForm(AuthenticationForm):
    refusal: Refusal | None = None
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("This user name and password do not belong together. Please try again."),
    }

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except Refusal as refusal:
            self.refusal = refusal
            raise ValidationError(str(refusal.message), code=refusal.code) from refusal


class OwnPasswordForm(forms.Form):
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


if TYPE_CHECKING:
    UserForm = UserCreationForm[User]
    NewPasswordForm = SetPasswordForm[User]
else:  # generic in their stubs alone
    UserForm = UserCreationForm
    NewPasswordForm = SetPasswordForm


class SavesPasswordAlone:
    """A plain save would make an account anew that was deleted meanwhile."""

    def set_password_and_save(
        self,
        user: User,
        password_field_name: str = "new_password1",  # noqa: S107  (a field's name)
        commit: bool = True,
    ) -> User:
        user.set_password(self.cleaned_data[password_field_name])  # type: ignore[attr-defined]
        user.save(update_fields=["password"])
        return user


class ResetPasswordForm(SavesPasswordAlone, NewPasswordForm):
    pass


class ChangePasswordForm(SavesPasswordAlone, PasswordChangeForm):
    def clean_old_password(self) -> str:
        """Raises `TooOften`, through the form: there is nothing in it that would be lost."""
        count_own_password(self.user)
        return super().clean_old_password()


class ForgottenPasswordForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class SignUpForm(UserForm):
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    class Meta:
        model = User
        fields = ("username", "email")


class OwnKeyForm(forms.Form):
    """A key is never written back into the page, not even where it is refused."""

    key = forms.CharField(
        label=_("API key"),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    base_url = forms.CharField(label=_("Address"), required=False, widget=forms.Select)

    def __init__(self, *data: Any) -> None:
        super().__init__(*data)
        host = urlsplit(installation_base_url()).hostname
        usual = _("As for everybody here: %(host)s") % {"host": host}
        offered = [(url, url) for url in settings.OWN_KEY_BASE_URLS]
        cast(forms.Select, self.fields["base_url"].widget).choices = [("", usual), *offered]

    @property
    def offers_addresses(self) -> bool:
        return bool(settings.OWN_KEY_BASE_URLS)
