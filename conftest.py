"""What holds for every test of every app."""

from __future__ import annotations

import pytest
