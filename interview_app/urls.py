"""Addresses of the pages. Every practice, question and summary has its own."""

from __future__ import annotations

from django.urls import path

from interview_app.views import accounts, operations, practices, questions, resumes, sessions

urlpatterns = [
    path("", practices.home, name="home"),
    path("sign-up/", accounts.sign_up, name="sign_up"),
    path("sign-in/", accounts.SignIn.as_view(), name="login"),
    path("sign-out/", accounts.SignOut.as_view(), name="logout"),
    path("sign-out/everywhere/", accounts.leave_everywhere, name="leave_everywhere"),
    path("password/", accounts.ChangePassword.as_view(), name="change_password"),
    path("resume/", resumes.my_resume, name="my_resume"),
    path("resume/delete/", resumes.delete_my_resume, name="delete_resume"),
    path("practice/", practices.my_practice, name="my_practice"),
    path("practice/new/", practices.new_practice, name="new_practice"),
    path("practice/<uuid:session_id>/", sessions.session_page, name="session"),
    path("practice/<uuid:session_id>/live/", sessions.session_live, name="session_live"),
    path("practice/<uuid:session_id>/finish/", sessions.finish, name="finish_session"),
    path("practice/<uuid:session_id>/summary/", sessions.summary_page, name="summary"),
    path("practice/<uuid:session_id>/summary/live/", sessions.summary_live, name="summary_live"),
    path("practice/<uuid:session_id>/delete/", sessions.delete, name="delete_session"),
    path("questions/<uuid:question_id>/", questions.question_page, name="question"),
    path("questions/<uuid:question_id>/live/", questions.question_live, name="question_live"),
    path("questions/<uuid:question_id>/draft/", questions.draft, name="draft"),
    path("answers/<uuid:answer_id>/insist/", questions.insist, name="insist"),
    path("operations/<uuid:operation_id>/retry/", operations.retry, name="retry_operation"),
    path("operations/<uuid:operation_id>/cancel/", operations.cancel, name="cancel_operation"),
]
