"""The error rules as Markdown for docs/errors.md and the README: one source, so neither can lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.utils.translation import override

from operations.errors.messages import error_action, error_message
from operations.errors.rules import RULES, Category, Rule

BEGIN = "<!-- errors:begin -->"
END = "<!-- errors:end -->"

# The six that a caller of any AI service meets, in the README's words.
README_ROWS: tuple[tuple[Category, str], ...] = (
    (Category.NETWORK, "DNS, refused, reset, cut off, time-out, 408"),
    (Category.SERVER_ERROR, "5xx that says nothing else"),
    (Category.RATE_LIMIT, "429, slow down"),
    (Category.QUOTA_EXCEEDED, "quota or billing, whatever the status"),
    (Category.AUTHENTICATION, "401, 403, no usable key"),
    (Category.INVALID_RESPONSE, "2xx that cannot be used"),
)


def readme_table() -> str:
    """One row for each of the six categories."""
    return _table(
        ("category", "when", "sent again by itself", "what the person reads"),
        (
            (
                f"`{category}`",
                when,
                _retries(_rules_of(category)),
                _sentence(next(_rules_of(category))),
            )
            for category, when in README_ROWS
        ),
    )


def reference() -> str:
    """Every code with its rule, its text and its remedy, a section for each category."""
    return "\n\n".join(_section(category) for category in Category)


def with_block(text: str, block: str) -> str:
    """The text with what stands between the markers replaced. Raises ValueError without markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the markers {BEGIN} and {END} are missing")
    return f"{head}{BEGIN}\n{block}\n{END}{tail}"


def _section(category: Category) -> str:
    rules = tuple(_rules_of(category))
    table = _table(
        ("code", "sent again", "a person may try again", "pauses the key", "log level"),
        (
            (
                f"`{rule.code}`",
                _yes(rule.retried),
                _yes(rule.retryable),
                _yes(rule.pauses),
                _level(rule),
            )
            for rule in rules
        ),
    )
    return "\n\n".join([f"### `{category}`", table, *map(_entry, rules)])


def _entry(rule: Rule) -> str:
    with override("en"):
        lines = [f"**`{rule.code}`**", f"- Person: {error_message(rule.code)}"]
        own = error_message(rule.code, own_key=True)
        if own != error_message(rule.code):
            lines.append(f"- Person with an own key: {own}")
    return "\n".join([lines[0], "", *lines[1:], f"- Operator: {rule.remedy}"])


def _sentence(rule: Rule) -> str:
    with override("en"):
        return error_message(rule.code).removesuffix(error_action(rule.code)).strip()


def _rules_of(category: Category) -> Iterator[Rule]:
    return (rule for rule in RULES.values() if rule.category is category)


def _retries(rules: Iterable[Rule]) -> str:
    retried = [rule.retried for rule in rules]
    if all(retried):
        return "up to 3 times"
    return "up to 3 times, but not faults of the set-up" if any(retried) else "no"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _level(rule: Rule) -> str:
    return {20: "INFO", 30: "WARNING", 40: "ERROR"}[rule.log_level]


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
