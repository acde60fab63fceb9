from __future__ import annotations

from django.urls import path

from operations.api import documented, views
from operations.api.schema import describe

describe(documented.DOCUMENTED)

urlpatterns = [
    path("operations/", views.OperationList.as_view(), name="api-operations"),
    path("operations/stats/", views.OperationStats.as_view(), name="api-operation-stats"),
    path("operations/<uuid:pk>/", views.OperationDetail.as_view(), name="api-operation"),
    path("operations/<uuid:pk>/attempts/", views.AttemptList.as_view(), name="api-attempts"),
    path("operations/<uuid:pk>/retry/", views.OperationRetry.as_view(), name="api-retry"),
    path("operations/<uuid:pk>/cancel/", views.OperationCancel.as_view(), name="api-cancel"),
]
