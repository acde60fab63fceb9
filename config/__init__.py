VERSION = "0.1.0"
"""As in pyproject.toml, which an installation need not have; a test holds them equal."""
