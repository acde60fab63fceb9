from __future__ import annotations

from django.urls import path

from interview_app.api import account, auth, documented, exports, own_key, tokens, views
from operations.api.schema import describe

describe(documented.DOCUMENTED)

urlpatterns = [
    path("auth/register/", auth.Register.as_view(), name="api-register"),
    path("auth/login/", auth.Login.as_view(), name="api-login"),
    path("auth/logout/", auth.Logout.as_view(), name="api-logout"),
    path(
        "auth/logout-everywhere/",
        auth.LogoutEverywhere.as_view(),
        name="api-logout-everywhere",
    ),
    path("me/", auth.Me.as_view(), name="api-me"),
    path("me/account/", account.Account.as_view(), name="api-account"),
    path("me/spending/", account.OwnSpending.as_view(), name="api-spending"),
    path("me/api-key/", own_key.OwnKeyView.as_view(), name="api-own-key"),
    path("me/api-key/check/", own_key.OwnKeyCheck.as_view(), name="api-own-key-check"),
    path("me/tokens/", tokens.TokenList.as_view(), name="api-tokens"),
    path("me/tokens/<uuid:pk>/", tokens.TokenDetail.as_view(), name="api-token"),
    path("me/resume/", views.ResumeView.as_view(), name="api-resume"),
    path("job-postings/", views.JobPostingList.as_view(), name="api-job-postings"),
    path("job-postings/<uuid:pk>/", views.JobPostingDetail.as_view(), name="api-job-posting"),
    path("sessions/", views.SessionList.as_view(), name="api-sessions"),
    path("sessions/<uuid:pk>/", views.SessionView.as_view(), name="api-session"),
    path("sessions/<uuid:pk>/questions/", views.SessionQuestions.as_view(), name="api-questions"),
    path("sessions/<uuid:pk>/finish/", views.SessionFinish.as_view(), name="api-finish"),
    path("sessions/<uuid:pk>/retake/", views.SessionRetake.as_view(), name="api-retake"),
    path("sessions/<uuid:pk>/export/", exports.SessionExport.as_view(), name="api-export"),
    path("progress/", views.Progress.as_view(), name="api-progress"),
    path("questions/<uuid:pk>/draft/", views.QuestionDraft.as_view(), name="api-draft"),
    path("questions/<uuid:pk>/answer/", views.QuestionAnswer.as_view(), name="api-answer"),
    path("questions/<uuid:pk>/follow-up/", views.QuestionFollowUp.as_view(), name="api-follow-up"),
    path(
        "questions/<uuid:pk>/second-opinion/",
        views.QuestionSecondOpinion.as_view(),
        name="api-second-opinion",
    ),
]
