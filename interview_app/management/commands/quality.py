"""Measure the configured provider on the golden set. Nothing is stored; a real provider is paid.

Exit codes: 0 all checks hold, 1 one is broken, 2 wrong usage, 3 no job has that name, 4 nothing is
broken, but not all could be measured (a limit).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from interview_app.kinds.feedback_analysis import FeedbackAnalysis
from interview_app.kinds.question_generation import QuestionGeneration
from interview_app.prompts import load_prompt
from interview_app.quality.asking import Trial, ask_all, tasks_for
from interview_app.quality.checks import Findings, checked
from interview_app.quality.golden import Job, golden_jobs
from interview_app.quality.report import Report
from operations.credentials import Credential, installation_credential
from operations.errors import OpenAIServiceError
from operations.prices import SIMULATED_MODEL

BROKEN, USAGE, NO_JOB, PARTLY = 1, 2, 3, 4


class Command(BaseCommand):
    help = "Measure the configured provider on the golden set of answers (docs/quality.md)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="data as JSON on stdout")
        parser.add_argument(
            "--runs", type=_at_least_one, default=3, help="how often each answer is judged (3)"
        )
        parser.add_argument("--limit", type=_at_least_one, help="at most so many calls")
        parser.add_argument("--job", action="append", help="only this job, such as nurse.de")
        parser.add_argument(
            "--concurrency", type=_at_least_one, default=4, help="calls at once (4)"
        )
        parser.add_argument(
            "--prompt",
            action="append",
            default=[],
            metavar="KIND/N",
            help="another version of a prompt, such as question_generation/2",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        kinds = _kinds(options["prompt"])
        jobs = _jobs(options["job"])
        if not jobs:
            self.stderr.write(f"No such job. There are: {', '.join(j.name for j in golden_jobs())}")
            sys.exit(NO_JOB)
        try:
            credential = installation_credential()
        except OpenAIServiceError as error:
            raise CommandError(error.message) from error
        report = self._measured(jobs, credential, kinds, options)
        self.stdout.write(json.dumps(report.data()) if options["json"] else report.table())
        for check in report.broken:
            self.stderr.write(f"broken: {check.name} ({check.says})")
        if report.broken:
            sys.exit(BROKEN)
        if report.unmeasured:
            self.stderr.write(f"not measured: {', '.join(c.name for c in report.unmeasured)}")
            sys.exit(PARTLY)

    def _measured(
        self,
        jobs: list[Job],
        credential: Credential,
        kinds: tuple[FeedbackAnalysis, QuestionGeneration],
        options: dict[str, Any],
    ) -> Report:
        feedback, questions = kinds
        tasks = tasks_for(jobs, runs=options["runs"], feedback=feedback, questions=questions)
        chosen = tasks[: options["limit"]]
        started = time.monotonic()
        trials = asyncio.run(
            ask_all(
                chosen,
                credential=credential,
                concurrency=options["concurrency"],
                told=self._teller(len(chosen)),
            )
        )
        return Report(
            server=credential.label,
            model=SIMULATED_MODEL if credential.simulated else settings.OPENAI_MODEL,
            simulated=credential.simulated,
            prompts=(feedback.prompt.version, questions.prompt.version),
            runs=options["runs"],
            seconds=time.monotonic() - started,
            left_out=len(tasks) - len(chosen),
            trials=trials,
            checks=checked(Findings(jobs, trials)),
        )

    def _teller(self, total: int) -> Callable[[Trial], None]:
        """A line for each call that ends: a small model needs minutes for one."""
        ended = 0

        def tell(trial: Trial) -> None:
            nonlocal ended
            ended += 1
            if self.stderr.isatty() or trial.seconds >= 1:
                said = trial.error_code or ("no score" if trial.score is None else trial.score)
                self.stderr.write(f"{ended}/{total} {trial.name}: {said} ({trial.seconds:.1f} s)")

        return tell


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("a whole number from 1 on")
    return int(text)


def _jobs(names: list[str] | None) -> list[Job]:
    return [job for job in golden_jobs() if not names or job.name in names]


def _kinds(prompts: list[str]) -> tuple[FeedbackAnalysis, QuestionGeneration]:
    feedback, questions = FeedbackAnalysis(), QuestionGeneration()
    kinds: dict[str, FeedbackAnalysis | QuestionGeneration] = {
        kind.name: kind for kind in (feedback, questions)
    }
    for wanted in prompts:
        name, _, number = wanted.partition("/")
        try:
            kinds[name].prompt = load_prompt(name, int(number))
        except (KeyError, ValueError, OSError):
            raise CommandError(f"there is no prompt {wanted!r}", returncode=USAGE) from None
    return feedback, questions
