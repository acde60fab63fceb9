"""What the schema says of the interview's routes. Each example is sent by a test."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from interview_app.api import account, auth, exports, own_key, tokens, views
from interview_app.api.serializers import (
    AnswerInput,
    AnswerSerializer,
    DraftInput,
    DraftSerializer,
    EstimateSerializer,
    JobPostingSerializer,
    ProgressSerializer,
    ResumeEntriesInput,
    ResumeFileInput,
    ResumeInput,
    ResumeSerializer,
    SessionInput,
    SessionSerializer,
)
from operations.api.schema import describes
from operations.api.serializers import OperationSerializer, SpendingSerializer, UtcField


class TokenSerializer(serializers.Serializer[Any]):
    token = serializers.CharField()
    expiry = UtcField()


class RegisteredSerializer(TokenSerializer):
    user = auth.UserSerializer()


class StartedSessionSerializer(SessionSerializer):
    operation = OperationSerializer(allow_null=True)
    estimate = EstimateSerializer(allow_null=True)


class AnsweredSerializer(serializers.Serializer[Any]):
    answer = AnswerSerializer()
    operation = OperationSerializer(allow_null=True)


NOTHING = OpenApiResponse(description="Done.")
FILE = {
    (200, "text/markdown"): OpenApiTypes.STR,
    (200, "application/json"): OpenApiTypes.OBJECT,
}
FORMAT = OpenApiParameter("format", str, enum=["md", "json"], default="md")
PASSWORD = "three green bicycles"  # noqa: S105  (an example)
PERSON = {"username": "carol", "email": "carol@example.org"}
POSTING = {
    "title": "Senior backend engineer",
    "company": "Tallyroo",
    "description": "You own the ledger service: Python, PostgreSQL, on-call every sixth week.",
    "experience_level": "senior",
    "tech_stack": ["Python", "PostgreSQL"],
    "language": "en",
}
START = {
    "role": "Senior backend engineer",
    "job_description": "You own the ledger service.",
    "seniority": "senior",
    "question_count": 5,
    "interview_type": "mixed",
    "mode": "practice",
    "language": "en",
    "resume_text": "2021-2026 Tallyroo: moved billing from a nightly job to events.",
}
ANSWER = "I wrote the plan, split it into three steps and ran both systems for two weeks."

DOCUMENTED = {
    auth.Register: {
        "post": describes(
            "Make an account",
            {201: RegisteredSerializer},
            request=auth.RegisterSerializer,
            example={**PERSON, "password": PASSWORD},
        )
    },
    auth.Login: {
        "post": describes(
            "Sign in",
            TokenSerializer,
            request=auth.LoginInput,
            example={"username": "carol", "password": PASSWORD, "token_name": "Laptop"},
        )
    },
    auth.Logout: {"post": describes("End this token or browser session", {204: NOTHING})},
    auth.LogoutEverywhere: {
        "post": describes(
            "End every token and browser session",
            {204: NOTHING},
            request=auth.PasswordInput,
            example={"password": PASSWORD},
        )
    },
    auth.Me: {
        "get": describes("Who is signed in", auth.UserSerializer),
        "patch": describes(
            "Change name or address",
            auth.UserSerializer,
            request=auth.UserSerializer,
            example={"email": "carol@example.com"},
        ),
    },
    account.Account: {
        "get": describes(
            "All that is kept about the person", {(200, "application/zip"): OpenApiTypes.BINARY}
        ),
        "delete": describes(
            "Delete the person; a browser's session sends the password", {204: NOTHING}
        ),
    },
    account.OwnSpending: {"get": describes("What one's calls cost this month", SpendingSerializer)},
    own_key.OwnKeyView: {
        "get": describes("Whether there is a key of one's own", own_key.KeyWithAddressSerializer),
        "put": describes(
            "Make calls with this key from now on",
            own_key.KeySerializer,
            request=own_key.KeyInput,
            example={"key": "not-a-real-key-0123456789"},
        ),
        "delete": describes("Delete it", {204: NOTHING}),
    },
    own_key.OwnKeyCheck: {
        "post": describes(
            "Ask the provider whether it takes the key; waits up to ten seconds",
            {200: own_key.KeyCheckSerializer, 202: OperationSerializer},
        )
    },
    tokens.TokenList: {
        "get": describes("Tokens that let somebody in", tokens.AccessTokenSerializer(many=True)),
        "delete": describes(
            "Take all of them back", {204: NOTHING}, operation_id="me_tokens_destroy_all"
        ),
    },
    tokens.TokenDetail: {"delete": describes("Take one back", {204: NOTHING})},
    views.ResumeView: {
        "get": describes("The stored résumé", ResumeSerializer),
        "put": describes(
            "Store another one",
            ResumeSerializer,
            request={"application/json": ResumeInput, "multipart/form-data": ResumeFileInput},
        ),
        "patch": describes(
            "Correct the entries found in it", ResumeSerializer, request=ResumeEntriesInput
        ),
        "delete": describes("Delete it", {204: NOTHING}),
    },
    views.JobPostingList: {
        "get": describes("Stored postings", JobPostingSerializer(many=True)),
        "post": describes(
            "Store a posting",
            {201: JobPostingSerializer},
            request=JobPostingSerializer,
            example=POSTING,
        ),
    },
    views.JobPostingDetail: {
        "get": describes("A posting", JobPostingSerializer),
        "put": describes(
            "Replace it", JobPostingSerializer, request=JobPostingSerializer, example=POSTING
        ),
        "patch": describes(
            "Change it",
            JobPostingSerializer,
            request=JobPostingSerializer,
            example={"company": "Nordwind"},
        ),
        "delete": describes("Delete it", {204: NOTHING}),
    },
    views.SessionList: {
        "get": describes("Practices", SessionSerializer(many=True)),
        "post": describes(
            "Start a practice",
            {201: StartedSessionSerializer},
            request=SessionInput,
            example=START,
        ),
    },
    views.SessionView: {
        "get": describes("A practice with all its parts", SessionSerializer),
        "delete": describes("Delete it and stop its AI calls", {204: NOTHING}),
    },
    views.SessionQuestions: {
        "post": describes(
            "Ask for the questions that a reply did not bring", {202: OperationSerializer}
        )
    },
    views.SessionFinish: {"post": describes("Ask for the summary", {202: OperationSerializer})},
    views.SessionRetake: {
        "post": describes("The same again, new questions", {201: StartedSessionSerializer})
    },
    exports.SessionExport: {
        "get": describes("A practice as a file", FILE, parameters=[FORMAT]),
    },
    views.Progress: {"get": describes("Scores over time", ProgressSerializer)},
    views.QuestionDraft: {
        "patch": describes(
            "Keep what is being typed",
            DraftSerializer,
            request=DraftInput,
            example={"text": "At Tallyroo"},
        )
    },
    views.QuestionAnswer: {
        "post": describes(
            "Answer a question",
            {201: AnsweredSerializer},
            request=AnswerInput,
            example={"text": ANSWER, "insist": True},
        )
    },
    views.QuestionFollowUp: {
        "post": describes("Ask for a follow-up to the newest answer", {202: OperationSerializer})
    },
    views.QuestionSecondOpinion: {
        "post": describes("Have the newest answer judged once more", {202: OperationSerializer})
    },
}
