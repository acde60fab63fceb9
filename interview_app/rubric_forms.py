"""The form in which an operator writes a rubric: a block of fields for each criterion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms

from interview_app.models import RubricVersion
from interview_app.rubric import CRITERION_NAMES, Rubric
from interview_app.rubric_rules import KEY_MAX_LENGTH, LANGUAGES, MAX_CRITERIA, PARTS, faults_of

if TYPE_CHECKING:
    FormBase = forms.ModelForm[RubricVersion]
else:
    FormBase = forms.ModelForm

POSITIONS = range(1, MAX_CRITERIA + 1)
AREA = {"rows": 3, "cols": 50}


class RubricForm(FormBase):
    class Meta:
        model = RubricVersion
        fields = ("slug", "question_type")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for position in POSITIONS:
            self.fields.update(_fields(position))

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        written = {n: row for n in POSITIONS if (row := self._criterion(n))}
        positions = list(written)
        self.instance.criteria = list(written.values())
        for fault in faults_of(self.instance.criteria):
            name = None
            if fault.index is not None:
                name = field_name(positions[fault.index], fault.part, fault.language)
            # What is too long has its error already, and is not missing besides.
            if name is None or name not in self.errors:
                self.add_error(name, fault.message)
        return cleaned

    def _criterion(self, position: int) -> dict[str, Any] | None:
        """None where nothing was written."""
        texts = {language: self._texts(position, language) for language in LANGUAGES}
        key = self._value(position, "key")
        filled = {language: parts for language, parts in texts.items() if any(parts.values())}
        return {"key": key, "texts": filled} if key or filled else None

    def _texts(self, position: int, language: str) -> dict[str, str]:
        return {part: self._value(position, part, language) for part in PARTS}

    def _value(self, position: int, part: str, language: str = "") -> str:
        """On one line: that is how it stands in the prompt."""
        value: str = self.cleaned_data.get(field_name(position, part, language)) or ""
        return " ".join(value.split())


def field_name(position: int, part: str, language: str = "") -> str:
    return f"criterion_{position}_{part}{'_' if language else ''}{language}"


def names_of(position: int) -> list[str | tuple[str, ...]]:
    """The fields of one criterion; one part's languages stand beside each other."""
    beside = (tuple(field_name(position, part, each) for each in LANGUAGES) for part in PARTS)
    return [field_name(position, "key"), *beside]


def initial_of_own(rubric: RubricVersion) -> dict[str, str]:
    return {
        "slug": rubric.slug,
        "question_type": rubric.question_type,
        **_initial((each["key"], each["texts"]) for each in rubric.criteria),
    }


def initial_of_built_in(rubric: Rubric, question_type: str) -> dict[str, str]:
    """Its anchors are in English alone, and what a criterion looks at is said by them."""
    return {
        "question_type": question_type,
        **_initial((each.key, {"en": _english(each.key, each)}) for each in rubric.criteria),
    }


def _english(key: str, criterion: Any) -> dict[str, str]:
    anchors = {part: getattr(criterion, part) for part in ("low", "middle", "high")}
    return {"name": str(CRITERION_NAMES[key]), **anchors}


def _initial(criteria: Any) -> dict[str, str]:
    initial = {}
    for position, (key, texts) in enumerate(criteria, start=1):
        initial[field_name(position, "key")] = key
        for language, parts in texts.items():
            for part, text in parts.items():
                initial[field_name(position, part, language)] = text
    return initial


def _fields(position: int) -> Iterator[tuple[str, forms.Field]]:
    yield (
        field_name(position, "key"),
        forms.CharField(
            label="Key",
            required=False,
            max_length=KEY_MAX_LENGTH,
            help_text="Under which programs find the score: trade_offs. Empty with all texts"
            " empty: no such criterion.",
        ),
    )
    for part, (what, most) in PARTS.items():
        for language, name in LANGUAGES.items():
            yield (
                field_name(position, part, language),
                forms.CharField(
                    label=f"{what.capitalize()} ({name})",
                    required=False,
                    max_length=most,
                    widget=forms.TextInput() if part == "name" else forms.Textarea(AREA),
                ),
            )
