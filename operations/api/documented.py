"""What the schema says of the engine's routes."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter

from operations.api import views
from operations.api.schema import describes
from operations.api.serializers import (
    AttemptSerializer,
    OperationSerializer,
    RetryInput,
    StatsSerializer,
)

IF_NONE_MATCH = OpenApiParameter("If-None-Match", str, OpenApiParameter.HEADER)

DOCUMENTED = {
    views.OperationList: {"get": describes("AI calls", OperationSerializer(many=True))},
    views.OperationStats: {"get": describes("Counts, for operators", StatsSerializer)},
    views.OperationDetail: {
        "get": describes(
            "One AI call, as it is now",
            {200: OperationSerializer, 304: None},
            parameters=[IF_NONE_MATCH],
        )
    },
    views.AttemptList: {"get": describes("Its requests", AttemptSerializer(many=True))},
    views.OperationRetry: {
        "post": describes(
            "Try it again",
            {202: OperationSerializer},
            request=RetryInput,
            example={"when": "possible"},
        )
    },
    views.OperationCancel: {"post": describes("Stop it", {202: OperationSerializer})},
}
