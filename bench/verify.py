"""Whether every answer was written, once, and is the one that the provider gave for that job."""

from __future__ import annotations

from django.db.models import Count, Q

from bench.content import MODEL, right_answer
from bench.options import Run
from bench.work.models import Job, Result
from operations.models import Attempt, Operation

SHOWN = 5


def problems(run: Run, *, calls: int, refused: int) -> list[str]:
    """Nothing where all is well. `calls`, `refused`: what the stub counted over the whole run. In
    an outage the warm-up's jobs were answered, and the others have to have failed."""
    failed = _failed(run) if run.outage else set()
    jobs = {str(pk) for pk in Job.objects.values_list("pk", flat=True)} - failed
    found = [*_missing_and_doubled(jobs), *_wrong(), *_status(failed, ours=run.is_ours)]
    if len(failed) != (run.count if run.outage else 0):
        found.append(f"{len(failed)} of {run.count} jobs failed in the outage")
    if calls != len(jobs) + run.calls_each * len(failed):
        found.append(f"{calls} calls were answered for {len(jobs)} jobs and {len(failed)} failed")
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


def _failed(run: Run) -> set[str]:
    """The jobs that ended as an outage ends: failed with its code, after all calls, each of which
    ours has in its ledger."""
    if not run.is_ours:
        rows = Job.objects.filter(status=Job.Status.FAILED, attempts=run.calls_each)
        return {str(pk) for pk in rows.values_list("pk", flat=True)}
    code = "SERVER_ERROR" if run.outage >= 500 else "RATE_LIMIT_EXCEEDED"
    operations = Operation.objects.filter(
        status=Operation.Status.FAILED, error_code=code, attempts=run.calls_each
    ).annotate(lines=Count("attempt_ledger", filter=Q(attempt_ledger__error_code=code)))
    return set(operations.filter(lines=run.calls_each).values_list("subject_id", flat=True))


def _status(failed: set[str], *, ours: bool) -> list[str]:
    if not ours:
        jobs = Job.objects.exclude(pk__in=failed)
        odd = jobs.exclude(status=Job.Status.COMPLETED, attempts=1).count()
        return [f"{odd} jobs are not completed by one attempt"] if odd else []
    found = []
    good = Operation.objects.exclude(subject_id__in=failed)
    odd = good.exclude(status=Operation.Status.COMPLETED, attempts=1).count()
    if odd:
        found.append(f"{odd} operations are not completed by one attempt")
    ledger = good.annotate(lines=Count("attempt_ledger")).exclude(lines=1).count()
    if ledger:
        found.append(f"{ledger} operations have no attempt or several in the ledger")
    lost = Attempt.objects.filter(operation__in=good).exclude(outcome=Attempt.Outcome.SUCCEEDED)
    if count := lost.count():
        found.append(f"{count} attempts did not succeed")
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
