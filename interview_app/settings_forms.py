"""Forms of the settings: who one is, and the language of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from interview_app.accounts import check_own_password
from interview_app.forms import LANGUAGES, NOT_OFFERED

if TYPE_CHECKING:
    PersonForm = forms.ModelForm[User]
else:  # generic in its stubs alone
    PersonForm = forms.ModelForm


class ProfileForm(PersonForm):
    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=254,
        required=False,
        help_text=_("For a forgotten password alone."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    password = forms.CharField(
        label=_("Your password"),
        required=False,
        strip=False,
        help_text=_("To change the e-mail address: whoever reads its mail can set a new password."),
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    class Meta:
        model = User
        fields = ("username", "email")
        field_classes = {"username": UsernameField}

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if User.objects.filter(username__iexact=name).exclude(pk=self.instance.pk).exists():
            raise _name_taken()
        return name

    def clean(self) -> dict[str, Any]:
        """Raises `TooOften` through the form."""
        cleaned = super().clean() or self.cleaned_data
        if "email" in self.changed_data:
            check_own_password(self.instance, cleaned.get("password", ""))
        return cleaned

    def save_if_free(self) -> bool:
        """False, and an error in the form, where somebody took the name since it was looked up."""
        try:
            with transaction.atomic():
                # These alone: a plain save would make an account anew that was deleted meanwhile.
                self.instance.save(update_fields=self.Meta.fields)
        except IntegrityError:
            self.add_error("username", _name_taken())
            return False
        return True


class LanguageForm(forms.Form):
    language = forms.ChoiceField(
        label=_("Language of the pages"),
        choices=[("", _("As my browser says")), *LANGUAGES],
        required=False,
        error_messages=NOT_OFFERED,
    )


def _name_taken() -> ValidationError:
    return ValidationError(User._meta.get_field("username").error_messages["unique"], code="unique")
