"""Addresses of the pages. Every practice, question and summary has its own."""

from __future__ import annotations

from django.urls import path

from interview_app.views import (
    accounts,
    example,
    operations,
    passwords,
    practices,
    privacy,
    progress,
    questions,
    resumes,
    sessions,
    sharing,
)

urlpatterns = [
    path("", practices.home, name="home"),
    path("example/", example.example, name="example"),
    path("try/", example.try_it, name="try_it"),
    path("sign-up/", accounts.sign_up, name="sign_up"),
    path("sign-in/", accounts.SignIn.as_view(), name="login"),
    path("sign-out/", accounts.SignOut.as_view(), name="logout"),
    path("sign-out/everywhere/", accounts.leave_everywhere, name="leave_everywhere"),
    path("password/", accounts.ChangePassword.as_view(), name="change_password"),
    path("password/forgotten/", passwords.forgotten_password, name="forgotten_password"),
    path("password/forgotten/<uuid:person_id>/", passwords.reset_password, name="reset_password"),
    path(
        "password/forgotten/<uuid:person_id>/<str:token>/",
        passwords.reset_link,
        name="reset_link",
    ),
    path("account/", accounts.my_account, name="my_account"),
    path("account/tokens/revoke/", accounts.revoke_all, name="revoke_tokens"),
    path("account/tokens/<uuid:token_id>/revoke/", accounts.revoke_one, name="revoke_token"),
    path("account/delete/", accounts.delete_my_account, name="delete_account"),
    path("privacy/", privacy.what_is_sent, name="privacy"),
    path("resume/", resumes.my_resume, name="my_resume"),
    path("resume/entries/", resumes.correct_my_resume, name="correct_resume"),
    path("resume/delete/", resumes.delete_my_resume, name="delete_resume"),
    path("practice/", practices.my_practice, name="my_practice"),
    path("progress/", progress.my_progress, name="my_progress"),
    path("practice/new/", practices.new_practice, name="new_practice"),
    path("practice/<uuid:session_id>/", sessions.session_page, name="session"),
    path("practice/<uuid:session_id>/live/", sessions.session_live, name="session_live"),
    path(
        "practice/<uuid:session_id>/questions/", sessions.ask_missing, name="ask_missing_questions"
    ),
    path("practice/<uuid:session_id>/finish/", sessions.finish, name="finish_session"),
    path("practice/<uuid:session_id>/retake/", sessions.retake, name="retake_session"),
    path("practice/<uuid:session_id>/summary/", sessions.summary_page, name="summary"),
    path("practice/<uuid:session_id>/summary/live/", sessions.summary_live, name="summary_live"),
    path("practice/<uuid:session_id>/share/", sharing.share, name="share_session"),
    path("practice/<uuid:session_id>/unshare/", sharing.unshare, name="unshare_session"),
    path("shared/<str:token>/", sharing.shared, name="shared"),
    path("practice/<uuid:session_id>/delete/", sessions.delete, name="delete_session"),
    path("questions/<uuid:question_id>/", questions.question_page, name="question"),
    path("questions/<uuid:question_id>/live/", questions.question_live, name="question_live"),
    path("questions/<uuid:question_id>/draft/", questions.draft, name="draft"),
    path("questions/<uuid:question_id>/follow-up/", questions.follow_up, name="ask_follow_up"),
    path(
        "questions/<uuid:question_id>/second-opinion/",
        questions.second_opinion,
        name="ask_second_opinion",
    ),
    path("answers/<uuid:answer_id>/insist/", questions.insist, name="insist"),
    path("operations/<uuid:operation_id>/retry/", operations.retry, name="retry_operation"),
    path("operations/<uuid:operation_id>/cancel/", operations.cancel, name="cancel_operation"),
]
