"""Hooks for outside monitors. Receivers run after the commit; what they raise is only logged."""

from __future__ import annotations

from django.dispatch import Signal

operation_completed = Signal()
"""sender: Operation. `operation`: the row."""

operation_failed = Signal()
"""sender: Operation. `operation`: the row, with error_category and error_code."""

provider_paused = Signal()
"""sender: ProviderPause. `pause`: the row."""

provider_resumed = Signal()
"""sender: ProviderPause. `pause`: the row."""

worker_restarted = Signal()
"""sender: the supervisor's class. `reason`: exited or stuck; `restarts`: how many so far."""
