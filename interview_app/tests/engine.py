"""Runs what is due with the real engine, in this process."""

from __future__ import annotations

import asyncio

from operations.engine.drain import Drain


def run_what_is_due() -> None:
    asyncio.run(Drain(until_idle=True).run())
