"""What servers wrap around a good answer, and how they say why they stopped: data with sources.

`content` and `decode` read these tables and hold no word of their own. A wrapping is listed where
taking it off loses nothing: what is left must still be strict JSON.
"""

from __future__ import annotations

import re
from enum import Enum


class Finish(Enum):
    """What a finish reason says about the answer that came with it."""

    WHOLE = "whole"
    CUT = "cut"
    """The limit of the answer's length."""
    TOO_LONG = "too long"
    """The context window: prompt and answer together."""
    FILTERED = "filtered"
    REFUSED = "refused"
    FAILED = "failed"
    """The provider broke off."""
    CALLED = "called"
    """A tool, although none was offered."""
    UNKNOWN = "unknown"


FINISH_REASONS: dict[str, Finish] = {
    reason: finish
    for finish, reasons in {
        Finish.WHOLE: (
            "stop",  # OpenAI
            "eos",  # Together
            "end_turn",  # Anthropic
            "stop_sequence",  # Anthropic
        ),
        Finish.CUT: (
            "length",  # OpenAI
            "max_tokens",  # Anthropic; MAX_TOKENS: QwenLM/qwen-code#9884
            "max_output_tokens",  # OpenAI's Responses
            "model_length",  # Mistral
        ),
        Finish.TOO_LONG: (
            "model_context_window_exceeded",  # laravel/ai#881
            "context_length_exceeded",  # OpenAI's error code, sent on by relays
        ),
        Finish.FILTERED: (
            "content_filter",  # OpenAI, Azure
            "content_filtered",  # Bedrock
            "guardrail_intervened",  # Bedrock: NousResearch/hermes-agent#43108
            "safety",  # this and the next six: Gemini's FinishReason
            "blocklist",
            "prohibited_content",
            "recitation",
            "spii",
            "image_safety",
            "language",
            "sensitive",  # Zhipu
            "moderation",  # relays
        ),
        Finish.REFUSED: ("refusal",),  # Anthropic
        Finish.FAILED: (
            "error",  # OpenRouter
            "abort",  # vLLM, SGLang
            "aborted",
            "failed",
            "cancelled",
            "insufficient_system_resource",  # DeepSeek
            "network_error",  # Zhipu
            "server_error",
            "internal_error",
            "engine_error",
            "timeout",
            "overloaded",
        ),
        Finish.CALLED: (
            "tool_calls",  # OpenAI
            "tool_call",
            "function_call",
            "tool_use",  # Anthropic
            "malformed_function_call",  # Gemini: googleapis/python-genai#1836
            "unexpected_tool_call",  # Gemini
        ),
    }.items()
    for reason in reasons
}


def finish_of(reason: object) -> Finish:
    """Of a finish reason, or of the one of its parts that says the most
    ("content_filter: PROHIBITED_CONTENT"). Null is what lenient relays send with a whole answer."""
    if reason is None or reason == "stop":
        return Finish.WHOLE
    if not isinstance(reason, str):
        return Finish.UNKNOWN
    words = [reason, *re.split(r"[:;,\s]+", reason)]
    found = [f for w in words if (f := FINISH_REASONS.get(w.strip().lower().replace("-", "_")))]
    telling = [finish for finish in found if finish is not Finish.WHOLE]
    return next(iter(telling or found), Finish.UNKNOWN)


REASONING_TAGS = (
    "think",  # DeepSeek, Qwen3: admonstrator/zettelrobbe#74, vllm#47027
    "thinking",
    "thought",  # Gemini's thinking documentation
    "thoughts",
    "reasoning",
    "analysis",
    "seed:think",  # ByteDance Seed-OSS
)
_TAG = "|".join(map(re.escape, REASONING_TAGS))

REASONING: tuple[re.Pattern[str], ...] = tuple(
    re.compile(rf"\A(?:{pattern})", re.DOTALL | re.IGNORECASE)
    for pattern in (
        rf"<({_TAG})>.*?</\1>",
        r"\[THINK\].*?\[/THINK\]",  # Mistral's Magistral
        r"◁think▷.*?◁/think▷",  # Kimi
        r"<\|START_THINKING\|>.*?<\|END_THINKING\|>",  # Cohere
        # OpenAI's harmony: vllm-project/vllm#32587, #45736
        r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)[^<]{0,40}<\|message\|>.*?"
        r"<\|end\|>",
    )
)
"""One block at the very beginning. What stands in it is never read."""

REASONING_END = re.compile(
    rf"\A.*?(?:</(?:{_TAG})>|\[/THINK\]|◁/think▷)", re.DOTALL | re.IGNORECASE
)
"""Where the opening tag is part of the prompt's template: DeepSeek-R1's, vllm#15618."""

BEFORE_ANSWER = re.compile(
    r"(?:<\|start\|>assistant)?<\|channel\|>final[^<]{0,40}(?:<\|constrain\|>[a-z]{1,10})?<\|message\|>"
    r"|<\|START_RESPONSE\|>"
)
"""Harmony's and Cohere's mark of the answer proper."""

END_TOKEN = re.compile(
    r"(?:<eos>|</s>|<end_of_turn>|<turn\|>|<\|[a-z_]{1,24}\|>|<｜end▁of▁sentence｜>)\Z",
    re.IGNORECASE,
)
"""One special token that the server should have taken off: jundot/omlx#1087, and the chat templates
of Gemma, Llama, Qwen, gpt-oss and DeepSeek."""

FENCE = re.compile(r"(?:`{3,}|~{3,})[ \t]*[\w+.-]*\s*")
FENCE_END = re.compile(r"(?<![\s`~])\s*+(?:`{3,}+|~{3,}+)\Z")
"""Markdown, on lines of its own or not: ItzCrazyKns/Vane#1046. The end is missing where it was a
stop sequence."""
