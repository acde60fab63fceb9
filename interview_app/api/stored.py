"""Lists that results keep as JSON: shown as they are stored, and told to the schema."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from interview_app.rubric import criterion_name


class CriterionSerializer(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField(
        help_text="For people: an operator's own words, or those of the reader's language."
    )
    score = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()


class StrengthSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    quote = serializers.CharField()


class FixSerializer(serializers.Serializer[Any]):
    criterion = serializers.CharField()
    quote = serializers.CharField(allow_null=True)
    why = serializers.CharField()
    try_this = serializers.CharField()


class ScoreSerializer(serializers.Serializer[Any]):
    competency = serializers.CharField()
    score = serializers.FloatField(allow_null=True)


@extend_schema_field(CriterionSerializer(many=True))
class CriteriaField(serializers.JSONField):
    def to_representation(self, value: Any) -> Any:
        return [{"key": each["key"], "name": criterion_name(each)} | each for each in value]


@extend_schema_field(StrengthSerializer(many=True))
class StrengthsField(serializers.JSONField):
    pass


@extend_schema_field(FixSerializer(many=True))
class FixesField(serializers.JSONField):
    pass


@extend_schema_field(ScoreSerializer(many=True))
class ScoresField(serializers.JSONField):
    pass


@extend_schema_field({"type": "array", "items": {"type": "string"}})
class WordsField(serializers.JSONField):
    pass


@extend_schema_field({"type": "array", "items": {"type": "integer"}})
class NumbersField(serializers.JSONField):
    pass
