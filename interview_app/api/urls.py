from __future__ import annotations

from django.urls import path

from interview_app.api import auth, views

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
    path("me/resume/", views.ResumeView.as_view(), name="api-resume"),
    path("job-postings/", views.JobPostingList.as_view(), name="api-job-postings"),
    path("job-postings/<uuid:pk>/", views.JobPostingDetail.as_view(), name="api-job-posting"),
    path("sessions/", views.SessionList.as_view(), name="api-sessions"),
    path("sessions/<uuid:pk>/", views.SessionView.as_view(), name="api-session"),
    path("sessions/<uuid:pk>/finish/", views.SessionFinish.as_view(), name="api-finish"),
    path("questions/<uuid:pk>/draft/", views.QuestionDraft.as_view(), name="api-draft"),
    path("questions/<uuid:pk>/answer/", views.QuestionAnswer.as_view(), name="api-answer"),
]
