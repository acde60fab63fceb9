"""Whether every answer was written, once, and is the one that the provider gave for that job."""

from __future__ import annotations

from django.db.models import Count

from bench.content import MODEL, right_answer
from bench.work.models import Job, Result
from operations.models import Attempt, Operation

SHOWN = 5


def problems(*, ours: bool, calls: int, refused: int) -> list[str]:
    """Nothing where all is well. `calls`, `refused`: what the stub counted over the whole run."""
    jobs = {str(pk) for pk in Job.objects.values_list("pk", flat=True)}
    found = [*_missing_and_doubled(jobs), *_wrong(), *_status(ours=ours)]
    if calls != len(jobs):
        found.append(f"{calls} calls were answered for {len(jobs)} jobs")
    if refused:
        found.append(f"the stub refused {refused} calls")
    return found


def _missing_and_doubled(jobs: set[str]) -> list[str]:
    written = [str(pk) for pk in Result.objects.values_list("job_id", flat=True)]
    found = []
    if missing := jobs - set(written):
        found.append(f"{len(missing)} jobs have no answer: {_some(missing)}")
    if len(written) != len(set(written)):
        found.append(f"{len(written) - len(set(written))} answers were written twice")
    return found


def _wrong() -> list[str]:
    rows = Result.objects.values_list("job_id", "score", "feedback", "strengths", "model")
    wrong = {
        str(job_id)
        for job_id, score, feedback, strengths, model in rows.iterator()
        if {"score": score, "feedback": feedback, "strengths": strengths} != right_answer(job_id)
        or model != MODEL
    }
    return [f"{len(wrong)} answers are not the provider's: {_some(wrong)}"] if wrong else []


def _status(*, ours: bool) -> list[str]:
    if not ours:
        odd = Job.objects.exclude(status=Job.Status.COMPLETED, attempts=1).count()
        return [f"{odd} jobs are not completed by one attempt"] if odd else []
    found = []
    odd = Operation.objects.exclude(status=Operation.Status.COMPLETED, attempts=1).count()
    if odd:
        found.append(f"{odd} operations are not completed by one attempt")
    ledger = Operation.objects.annotate(lines=Count("attempt_ledger")).exclude(lines=1).count()
    if ledger:
        found.append(f"{ledger} operations have no attempt or several in the ledger")
    lost = Attempt.objects.exclude(outcome=Attempt.Outcome.SUCCEEDED).count()
    if lost:
        found.append(f"{lost} attempts did not succeed")
    if Operation.objects.count() != Job.objects.count():
        found.append("not every job has its operation")
    return found


def spoil_one_row() -> str:
    """The verifier's own test: one answer that belongs to another job. Returns what was done."""
    first, second = Result.objects.order_by("pk")[:2]
    Result.objects.filter(pk=first.pk).update(feedback=second.feedback)
    return f"gave the answer of {second.job.pk} to {first.job.pk}"


def _some(ids: set[str]) -> str:
    return ", ".join(sorted(ids)[:SHOWN])
