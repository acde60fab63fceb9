"""What a rewrite says that the answer does not: numbers, units, dates, names of firms and tools."""

from interview_app.facts.guard import without_invented_facts

__all__ = ["without_invented_facts"]
