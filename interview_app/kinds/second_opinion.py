"""The same answer judged once more, with the same words: how far do two judgements differ?"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from interview_app.kinds.feedback_analysis import Analysis, FeedbackAnalysis
from interview_app.models import SecondOpinion
from interview_app.queries import SECOND_OPINION
from interview_app.rubric import mean_score
from operations.kinds import ProviderReply
from operations.models import Operation


class SecondOpinionKind(FeedbackAnalysis):
    name = SECOND_OPINION
    label = _("Second opinion")
    at_work = _("Reading your answer once more")
    failure_lead = _("We could not get a second opinion")
    saved = _("Your answer and its feedback are saved")
    stopped = _("The second opinion was stopped.")
    sends = _("The same as for the feedback, once more")
    steady = False
    """The first one's temperature and seed would bring the first one's judgement, and no spread."""

    def apply(  # type: ignore[override]
        self, operation: Operation, result: Analysis, reply: ProviderReply
    ) -> Iterator[SecondOpinion]:
        yield SecondOpinion(
            answer_id=operation.subject_id,
            operation=operation,
            score=mean_score(criterion["score"] for criterion in result.criteria),
            criteria=result.criteria,
            simulated=reply.simulated,
            model=reply.model[:100],
            prompt_version=self.prompt.version,
            rubric_version=result.rubric_version,
        )
