"""The AI calls of the interview, one module each; importing this registers them."""

from interview_app.kinds.feedback_analysis import FeedbackAnalysis
from interview_app.kinds.follow_up_question import FollowUpQuestion
from interview_app.kinds.question_generation import QuestionGeneration
from interview_app.kinds.second_opinion import SecondOpinionKind
from interview_app.kinds.session_summary import SessionSummaryKind
from operations.kinds import register

register(QuestionGeneration())
register(FeedbackAnalysis())
register(SessionSummaryKind())
register(FollowUpQuestion())
register(SecondOpinionKind())
