"""The OpenAI service behind one function. The only importer of the SDK, and only for workers: it
costs half a second and 50 MB, which a web process has no use for."""

from operations.openai_service.client import ask, ask_stepping_down, close
from operations.openai_service.requesting import form_for

__all__ = ["ask", "ask_stepping_down", "close", "form_for"]
