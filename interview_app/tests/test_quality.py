"""The quality bench: green on the simulated provider, red by name on providers with a fault.

No test here may touch the database: the bench stores nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from interview_app.kinds.feedback_analysis import Analysis, Strength
from interview_app.quality import texts
from interview_app.quality.asking import Trial
from interview_app.quality.checks import ALL, Findings, checked
from interview_app.quality.golden import SORTS, golden_jobs
from interview_app.scorability import not_scorable_reason
from interview_app.tests import bad_providers
from interview_app.tests.switched_provider import SwitchedProvider, switched_provider

GUARDS = {function.__name__ for function, is_guard, *_ in ALL if is_guard}
TWO_JOBS = ("--job", "nurse.de", "--job", "support.en", "--runs", "2", "--concurrency", "8")


def measured(*arguments: str, code: int = 0) -> dict[str, Any]:
    out = StringIO()
    expected = pytest.raises(SystemExit, match=f"^{code}$") if code else nullcontext()
    with expected:
        call_command("quality", "--json", *arguments, stdout=out, stderr=StringIO())
    data: dict[str, Any] = json.loads(out.getvalue())
    return data


@pytest.fixture
def provider(settings: Any) -> Iterator[SwitchedProvider]:
    with switched_provider() as server:
        settings.OPENAI_BASE_URL = server.url
        settings.OPENAI_MODEL = "some-model"
        yield server


def test_the_golden_set_has_eighty_different_answers_in_two_languages() -> None:
    jobs = golden_jobs()
    answers = [text for job in jobs for _, text in job.answers]

    assert {job.name.partition(".")[2] for job in jobs} == {"en", "de"}
    assert len({job.name.partition(".")[0] for job in jobs}) == 5
    assert len(answers) == len(set(answers)) == len(jobs) * len(SORTS) == 80


def test_all_but_gibberish_would_be_sent() -> None:
    held_back = [
        (job.name, sort)
        for job in golden_jobs()
        for sort, text in job.answers
        if not_scorable_reason(text)
    ]

    assert held_back == [(job.name, "gibberish") for job in golden_jobs()]


def test_the_simulated_provider_holds_every_check_in_every_case() -> None:
    data = measured("--runs", "3")

    assert data["simulated"] is True
    assert (data["calls"], data["failures"], data["not_measured"]) == (220, {}, [])
    shares = {check["name"]: check["share"] for check in data["checks"]}
    assert shares.pop("questions_fit") >= 0.9
    assert set(shares.values()) == {1.0}
    assert data["prompts"] == ["feedback_analysis/1", "question_generation/3"]


@pytest.mark.parametrize(
    ("content_of", "broken"),
    [
        (bad_providers.praises_everything, {"order", "no_flattery"}),
        (bad_providers.scores_at_random(), {"stability"}),
        (bad_providers.invents_quotes, {"evidence"}),
        (bad_providers.obeys_injections, {"injection"}),
        (bad_providers.answers_in_the_wrong_language, {"language"}),
        (bad_providers.copies_the_question, {"own_words"}),
        (bad_providers.asks_about_the_family, {"questions_kept"}),
        (bad_providers.answers_with_prose, {"usable"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_provider_is_caught_by_name_and_the_guards_hold(
    provider: SwitchedProvider,
    content_of: Callable[[dict[str, Any]], object],
    broken: set[str],
) -> None:
    provider.content_of = content_of

    data = measured(*TWO_JOBS, code=1)

    assert broken <= set(data["broken"])
    assert not GUARDS & set(data["broken"])


def test_a_provider_without_a_fault_is_not_caught(provider: SwitchedProvider) -> None:
    data = measured(*TWO_JOBS)

    assert (data["broken"], data["simulated"], data["answered_by"]) == ([], False, ["some-model"])
    assert data["cost_usd"] is None
    assert data["input_tokens"] == 900 * data["calls"]


def test_each_sort_of_fault_is_told_by_its_own_check(provider: SwitchedProvider) -> None:
    provider.content_of = bad_providers.obeys_injections

    assert measured(*TWO_JOBS, code=1)["broken"] == ["injection"]


def test_a_refused_key_is_a_failure_of_each_call(provider: SwitchedProvider) -> None:
    provider.accepts_key = False

    data = measured("--job", "nurse.en", "--runs", "1", code=1)

    assert data["failures"] == {"INVALID_API_KEY": 8}
    assert data["broken"] == ["usable"]


def test_what_a_limit_leaves_out_is_not_called_good() -> None:
    data = measured("--limit", "2", "--runs", "1", code=4)

    assert (data["calls"], data["left_out"]) == (2, 78)
    assert "injection" in data["not_measured"]


def test_an_unknown_job_or_prompt_is_told() -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("quality", "--job", "astronaut.en", stderr=StringIO())
    assert ended.value.code == 3
    with pytest.raises(CommandError) as refused:
        call_command("quality", "--prompt", "feedback_analysis/99")
    assert refused.value.returncode == 2
    with pytest.raises(CommandError):
        call_command("quality", "--runs", "0")


def test_another_version_of_a_prompt_can_be_measured() -> None:
    data = measured("--prompt", "question_generation/2", "--limit", "8", "--runs", "1", code=4)

    assert data["prompts"] == ["feedback_analysis/1", "question_generation/2"]


def test_the_table_names_model_server_prompts_and_rubrics() -> None:
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("quality", "--limit", "3", "--runs", "1", stdout=out, stderr=StringIO())

    assert "feedback_analysis/1, question_generation/3" in out.getvalue()
    assert "| `order` (provider)" in out.getvalue()


def test_a_guard_that_lets_an_invented_quote_through_would_be_caught() -> None:
    job = golden_jobs()[0]
    analysis = Analysis(
        criteria=[{"key": "relevance", "score": 3.0, "reason": ""}],
        strengths=[Strength(text="You led.", quote="I led fifty people")],
        fixes=[],
        dropped_quotes=0,
        rewrite="I led 50 people with GitLab.",
        response_type="other",
        rubric_version="r",
    )
    checks = checked(Findings([job], [Trial(job, "strong", 1, analysis)]))

    broken = {each.name for each in checks if each.verdict == "broken"}
    assert {"quotes_shown", "facts_of_rewrites"} <= broken


def test_placeholders_are_no_invention_and_cut_words_are_no_quotes() -> None:
    assert not list(texts.invented("It took [add 5 days] and 12 minutes.", "12 minutes"))
    assert texts.stands_in("“Started the nightly batch”", "I started the nightly batch.")
    assert not texts.stands_in("tarted the nightly bat", "I started the nightly batch")
    assert not texts.stands_in("the weekly batch", "I started the nightly batch")
