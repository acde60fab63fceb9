#!/usr/bin/env python3
"""A fault server for OpenAI-compatible clients: raw asyncio, standard library only, loopback only.

Every case of fault_corpus.json is served

  * by path prefix:  http://127.0.0.1:PORT/fault/<spec>/v1/chat/completions   (or .../responses)
  * by model name:   POST /v1/chat/completions {"model": "fault:<spec>", ...}

<spec> is a case name, or a script of case names: "server_500*2,ok" fails twice and then answers well.
"~anything" after the spec makes an own counter: "server_500*2,ok~test42".
The last name of a script is repeated for ever.

  GET  /__fault/cases    names and expectations          GET  /__fault/log      every request seen (keys hashed)
  POST /__fault/reset    forget counters and log         GET  /__fault/verdict  what the client did wrong
  POST /__fault/play/<spec>  what plain /v1 calls with an ordinary model name get from now on (default: ok)
  POST /__fault/latency/<seconds>  how long a good answer takes (default: 0)
  POST /__fault/limit/<calls>/<seconds>  beyond so many calls in so many seconds: 429 with the usual headers (0: off)

A good answer follows the request: if it carries response_format json_schema, the content is JSON that fits that
schema (minItems/maxItems, enum, ranges and $defs are obeyed); otherwise it is a line of text. So a whole application
can be pointed at this server and steered from outside while it runs.

In tests:   with FaultServer() as srv: OpenAI(base_url=srv.url("rate_limit_tpm"), api_key="x")
Shell:      python3 fault_server.py --port 8790 [--tls] [--scale 1.0]
"""
from __future__ import annotations

import argparse
import asyncio
import base64
import functools
import gzip
import hashlib
import json
import pathlib
import re
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from urllib.parse import unquote, urlsplit

HERE = pathlib.Path(__file__).resolve().parent
CORPUS = HERE / "data" / "fault_corpus.json"
GOOD = '{"score": 7, "feedback": "Clear answer."}'
REASONS = {200: "OK", 202: "Accepted", 204: "No Content", 300: "Multiple Choices", 302: "Found", 304: "Not Modified",
           307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized",
           402: "Payment Required", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           407: "Proxy Authentication Required", 408: "Request Timeout", 409: "Conflict", 413: "Request Entity Too Large",
           415: "Unsupported Media Type", 422: "Unprocessable Entity", 429: "Too Many Requests",
           451: "Unavailable For Legal Reasons", 500: "Internal Server Error", 501: "Not Implemented",
           502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


def load_corpus(path=CORPUS) -> dict[str, dict]:
    return {c["name"]: c for c in json.loads(pathlib.Path(path).read_text())}


# --------------------------------------------------------------------------- good answers in every dialect
QUESTIONS = [
    "Tell me about a decision you had to defend with incomplete data.",
    "Describe an outage you helped to resolve and what you changed afterwards.",
    "How did you win over a colleague who disagreed with your design?",
    "Walk me through the hardest bug you found in the last year.",
    "When did you last simplify a process, and how did you measure it?",
    "Which project of yours missed its date, and what did you learn?",
    "How would you split this service if its traffic grew tenfold?",
    "Describe feedback that changed the way you work.",
    "What would you do in your first month in this role?",
    "Tell me about a time you mentored somebody through a difficult task.",
    "How do you decide that a feature is finished?",
    "Explain a trade-off between speed and safety that you made.",
]


def sample(schema: dict, defs: dict, words: str, path: str = "answer", n: int = 1):
    """A value that fits a JSON schema; texts are made from `words` (what the person wrote, when a quote is asked for)."""
    if "$ref" in schema:
        return sample(defs[schema["$ref"].rsplit("/", 1)[1]], defs, words, path, n)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][(n - 1) % len(schema["enum"])]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            options = [o for o in schema[key] if o.get("type") != "null"] or schema[key]
            return sample(options[0], defs, words, path, n)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind == "object" or "properties" in schema:
        return {k: sample(v, defs, words, k, n) for k, v in schema.get("properties", {}).items()}
    if kind == "array":
        low = schema.get("minItems", 0)
        count = max(low, min(schema.get("maxItems", 3), max(low, 3)))
        return [sample(schema.get("items", {}), defs, words, path, i + 1) for i in range(count)]
    if kind in ("integer", "number"):
        low, high = schema.get("minimum", 1), schema.get("maximum", 5)
        return min(high, low + 2) if kind == "integer" else float(min(high, low + 2))
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    if any(w in path.lower() for w in ("quote", "evidence", "excerpt", "phrase")):
        text = " ".join(words.split()[:6])
    elif "question" in path.lower() or path in ("text", "prompt"):
        text = QUESTIONS[(n - 1) % len(QUESTIONS)]
    else:
        text = f"A clear point about {path.replace('_', ' ')}, number {n}."
    text = text[: schema["maxLength"]] if schema.get("maxLength") else text
    return text.ljust(schema.get("minLength", 0), ".")


def fitting_content(data: dict) -> str | None:
    """The content of a good answer for this request, or None when it asks for no schema."""
    spec = ((data.get("response_format") or {}).get("json_schema") or {}).get("schema")
    if not isinstance(spec, dict):
        return None
    said = [m.get("content") for m in data.get("messages") or [] if isinstance(m, dict) and m.get("role") == "user"]
    last = said[-1] if said and isinstance(said[-1], str) else ""
    inner = re.findall(r"<(?:candidate_)?answer[^>]*>(.*?)</", last, re.S)
    return json.dumps(sample(spec, spec.get("$defs") or spec.get("definitions") or {}, (inner[-1] if inner else last) or "nothing"))


USAGE = {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21}
RUSAGE = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 12,
          "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 21}


def chat_json(model: str, comp: dict) -> dict:
    msg: dict = {"role": "assistant", "content": comp.get("content"), "refusal": comp.get("refusal")}
    if comp.get("tool_calls"):
        msg["tool_calls"] = comp["tool_calls"]
    finish = comp.get("finish_reason", "stop")
    return {"id": "chatcmpl-fault1", "object": "chat.completion", "created": 1700000000, "model": model,
            "choices": [{"index": 0, "message": msg, "logprobs": None, "finish_reason": finish}], "usage": USAGE}


def chat_chunk(model: str, delta: dict, finish=None) -> dict:
    return {"id": "chatcmpl-fault1", "object": "chat.completion.chunk", "created": 1700000000, "model": model,
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}


def pieces(text: str, n: int = 6) -> list[str]:
    size = max(1, -(-len(text) // n))
    return [text[i:i + size] for i in range(0, len(text), size)] or [""]


def response_json(model: str, case: dict, comp: dict) -> dict:
    status = case.get("responses_status") or "completed"
    finish = comp.get("finish_reason", "stop")
    incomplete = case.get("responses_incomplete")
    if finish == "length":
        status, incomplete = "incomplete", "max_output_tokens"
    elif finish == "content_filter":
        status, incomplete = "incomplete", "content_filter"
    out: list[dict] = []
    if comp.get("tool_calls"):
        for tc in comp["tool_calls"]:
            out.append({"type": "function_call", "id": "fc_1", "call_id": tc["id"], "name": tc["function"]["name"],
                        "arguments": tc["function"]["arguments"], "status": "completed"})
    elif comp.get("refusal"):
        out.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                    "content": [{"type": "refusal", "refusal": comp["refusal"]}]})
    elif not comp.get("no_output") and status in ("completed", "incomplete") and comp:
        content = comp.get("content")
        out.append({"type": "message", "id": "msg_1", "role": "assistant",
                    "status": "completed" if status == "completed" else "incomplete",
                    "content": [] if content is None else [{"type": "output_text", "text": content, "annotations": []}]})
    return {"id": "resp_fault1", "object": "response", "created_at": 1700000000, "status": status, "model": model,
            "error": case.get("responses_error"), "incomplete_details": {"reason": incomplete} if incomplete else None,
            "instructions": None, "metadata": {}, "output": out, "parallel_tool_calls": True, "temperature": 1.0,
            "tool_choice": "auto", "tools": [], "top_p": 1.0, "max_output_tokens": None, "previous_response_id": None,
            "text": {"format": {"type": "text"}}, "truncation": "disabled", "usage": RUSAGE, "user": None, "store": True}


def chat_events(model: str, comp: dict) -> list[str]:
    ev = [chat_chunk(model, {"role": "assistant", "content": "" if comp.get("refusal") is None else None})]
    if comp.get("refusal"):
        ev += [chat_chunk(model, {"refusal": p}) for p in pieces(comp["refusal"])]
    elif comp.get("tool_calls"):
        for i, tc in enumerate(comp["tool_calls"]):
            ev.append(chat_chunk(model, {"tool_calls": [{"index": i, **tc}]}))
    elif comp.get("content") is not None:
        ev += [chat_chunk(model, {"content": p}) for p in pieces(comp["content"])]
    ev.append(chat_chunk(model, {}, comp.get("finish_reason", "stop")))
    return [json.dumps(e) for e in ev] + ["[DONE]"]


def response_events(model: str, case: dict, comp: dict) -> list[tuple[str, dict]]:
    full = response_json(model, case, comp)
    started = {**full, "status": "in_progress", "output": [], "usage": None, "error": None, "incomplete_details": None}
    seq: list[tuple[str, dict]] = [("response.created", {"response": started})]
    text = comp.get("content")
    if text is not None and not comp.get("no_output") and not comp.get("refusal") and not comp.get("tool_calls"):
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
        part = {"type": "output_text", "text": "", "annotations": []}
        base = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        seq += [("response.output_item.added", {"output_index": 0, "item": item}),
                ("response.content_part.added", {**base, "part": part})]
        seq += [("response.output_text.delta", {**base, "delta": p, "logprobs": []}) for p in pieces(text)]
        seq += [("response.output_text.done", {**base, "text": text, "logprobs": []}),
                ("response.content_part.done", {**base, "part": {**part, "text": text}}),
                ("response.output_item.done", {"output_index": 0, "item": full["output"][0] if full["output"] else item})]
    last = {"completed": "response.completed", "failed": "response.failed", "incomplete": "response.incomplete"}.get(full["status"])
    if last:
        seq.append((last, {"response": full}))
    return [(t, {"type": t, "sequence_number": i, **d}) for i, (t, d) in enumerate(seq)]


@functools.lru_cache(maxsize=2)
def gzip_bomb(n: int) -> bytes:
    return gzip.compress(b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[],"pad":"' + b"a" * n + b'"}', 1)


# --------------------------------------------------------------------------- connection
class Hangup(Exception):
    pass


class Conn:
    def __init__(self, server: "FaultServer", reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.s, self.r, self.w = server, reader, writer
        self.chunked = False

    async def send(self, data: bytes) -> None:
        try:
            self.w.write(data)
            await self.w.drain()
        except (ConnectionError, OSError) as e:
            raise Hangup from e

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * self.s.scale)

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    async def head(self, status=200, headers=None, chunked=True) -> None:
        h = dict(headers or {})
        self.chunked = chunked
        if chunked:
            h["Transfer-Encoding"] = "chunked"
        await self.send(render_head(status, h))

    def rst(self) -> None:
        sock = self.w.get_extra_info("socket")
        if sock is not None:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        self.w.transport.abort()
        raise Hangup

    def close(self) -> None:
        self.w.close()
        raise Hangup

    async def hang(self, seconds: float = 60.0) -> None:
        """Say nothing until the client goes away."""
        try:
            await asyncio.wait_for(self.r.read(), seconds)
        except (asyncio.TimeoutError, ConnectionError, OSError):
            pass
        self.close()

    async def read_request(self):
        try:
            first = await self.r.readexactly(1)
            if first == b"\x16":                                   # a TLS ClientHello on the plain port
                await self.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return None
            raw = first + await self.r.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError, OSError, asyncio.LimitOverrunError, Hangup):
            return None
        lines = raw.decode("latin-1").split("\r\n")
        try:
            method, target, _ = lines[0].split(" ", 2)
        except ValueError:
            return None
        headers = {}
        for line in lines[1:]:
            k, sep, v = line.partition(":")
            if sep:
                headers[k.strip().lower()] = v.strip()
        return method, target, headers

    async def read_body(self, headers) -> bytes:
        try:
            if headers.get("transfer-encoding", "").lower() == "chunked":
                out = b""
                while True:
                    n = int((await self.r.readline()).strip() or b"0", 16)
                    out += (await self.r.readexactly(n + 2))[:-2]
                    if not n:
                        return out
            return await self.r.readexactly(int(headers.get("content-length") or 0))
        except (asyncio.IncompleteReadError, ConnectionError, OSError, ValueError):
            return b""


def render_head(status: int, headers: dict) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Fault')}"] + [f"{k}: {v}" for k, v in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class FaultServer:
    def __init__(self, host="127.0.0.1", port=0, corpus=None, scale=1.0, tls=False):
        if not host.startswith("127."):
            raise ValueError("loopback only")
        self.host, self.port, self.scale, self.tls = host, port, scale, tls
        self.tls_port = 0
        self.cases = corpus or load_corpus()
        self.log: list[dict] = []
        self.counters: dict[str, int] = defaultdict(int)
        self.playing, self.latency = "ok", 0.0
        self.limit: tuple[int, float] | None = None                    # calls allowed per so many seconds
        self.window: list[float] = []
        self.lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._servers: list[asyncio.AbstractServer] = []

    # ---- public helpers
    def url(self, spec: str = "ok", tls=False) -> str:
        return f"http{'s' if tls else ''}://{self.host}:{self.tls_port if tls else self.port}/fault/{spec}/v1"

    def reset(self) -> None:
        with self.lock:
            self.log.clear()
            self.counters.clear()

    def requests(self, spec: str | None = None) -> list[dict]:
        with self.lock:
            return [dict(e) for e in self.log if spec is None or e["spec"] == spec]

    def verdict(self, spec: str | None = None, max_attempts: int = 4) -> list[dict]:
        """What a client did wrong, judged from what it was sent (idea: llmock's verdict)."""
        groups: dict[tuple, list[dict]] = defaultdict(list)
        for e in self.requests(spec):
            groups[(e["spec"], e["body_sha"])].append(e)
        found = []
        for (sp, sha), es in groups.items():
            def add(kind, **kw):
                found.append({"finding": kind, "spec": sp, "attempts": len(es), **kw})
            if len(es) > max_attempts:
                add("too_many_attempts")
            for a, b in zip(es, es[1:]):
                case, gap = self.cases.get(a["case"], {}), b["t"] - a["t"]
                if case.get("expected_category") == "ok":
                    add("repeated_after_success", gap=round(gap, 3))
                elif case.get("retry_advice") in ("operator", "fix_input", "never"):
                    add("retried_non_retryable", case=a["case"], gap=round(gap, 3))
                try:
                    ra = float(case.get("headers", {}).get("retry-after") or case.get("headers", {}).get("Retry-After") or 0)
                except ValueError:
                    ra = 0.0
                if 0 < ra < 120 and gap < ra * 0.98:
                    add("retry_after_ignored", case=a["case"], gap=round(gap, 3), retry_after=ra)
                elif gap < 0.05:
                    add("no_backoff", case=a["case"], gap=round(gap, 3))
        return found

    # ---- life cycle
    async def start(self) -> None:
        srv = await asyncio.start_server(self._serve, self.host, self.port, limit=1 << 20)
        self.port = srv.sockets[0].getsockname()[1]
        self._servers.append(srv)
        if self.tls:
            ctx = self_signed_context()
            if ctx:
                t = await asyncio.start_server(self._serve, self.host, 0, ssl=ctx, limit=1 << 20)
                self.tls_port = t.sockets[0].getsockname()[1]
                self._servers.append(t)

    async def _settle(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*left, return_exceptions=True)

    def __enter__(self) -> "FaultServer":
        ready = threading.Event()

        def run() -> None:
            self._loop = asyncio.new_event_loop()
            self._loop.set_exception_handler(lambda *_: None)
            self._loop.run_until_complete(self.start())
            ready.set()
            self._loop.run_forever()
            # What stays open would be a ResourceWarning in some later test.
            self._loop.run_until_complete(self._settle())
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True, name="fault-server")
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("fault server did not start")
        return self

    def __exit__(self, *exc) -> None:
        loop = self._loop
        if loop:
            def stop() -> None:
                for s in self._servers:
                    s.close()
                for t in asyncio.all_tasks(loop):
                    t.cancel()
                loop.call_later(0.05, loop.stop)
            loop.call_soon_threadsafe(stop)
            if self._thread:
                self._thread.join(5)

    # ---- serving
    async def _serve(self, reader, writer) -> None:
        c = Conn(self, reader, writer)
        served = 0
        try:
            while True:
                req = await c.read_request()
                if req is None:
                    break
                served += 1
                if not await self._one(c, *req, served):
                    break
        except (Hangup, ConnectionError, OSError, asyncio.CancelledError):
            pass
        finally:
            try:
                writer.close()
            except Exception:
                pass

    def _pick(self, spec: str) -> str:
        script = spec.split("~", 1)[0].split(",")
        flat: list[str] = []
        for item in script:
            name, _, n = item.partition("*")
            flat += [name] * (int(n) if n.isdigit() else 1)
        with self.lock:
            i = self.counters[spec]
            self.counters[spec] += 1
        return flat[min(i, len(flat) - 1)]

    async def _one(self, c: Conn, method: str, target: str, headers: dict, served: int) -> bool:
        if method == "CONNECT" or target.startswith("http"):          # we were used as a proxy
            await c.read_body(headers)
            await self._plain(c, 407, {"Proxy-Authenticate": 'Basic realm="corp"', "Content-Type": "text/html"}, b"<html>407</html>")
            return False
        path = unquote(urlsplit(target).path)
        if path.startswith("/__fault/"):
            await c.read_body(headers)
            return await self._admin(c, method, path)
        spec = rest = None
        if path.startswith("/fault/"):
            spec, _, rest = path[len("/fault/"):].partition("/")
            early = self.cases.get(spec.split("~")[0].split(",")[0].split("*")[0], {})
            if any(s.get("op") == "early" for s in early.get("steps") or []):
                self._note(spec, spec, method, path, headers, b"")
                await c.send(early["steps"][0]["data"].encode("latin-1"))
                c.close()
        body = await c.read_body(headers)
        try:
            data = json.loads(body) if body else {}
        except ValueError:
            data = {}
        data = data if isinstance(data, dict) else {}
        model = str(data.get("model") or "gpt-4o")
        if spec is None:
            spec = model[len("fault:"):] if model.startswith("fault:") else self.playing
        if self.limit and self.limit[0] and "/completions" in path:
            now = time.monotonic()
            self.window = [t for t in self.window if now - t < self.limit[1]]
            if len(self.window) >= self.limit[0]:
                wait = self.limit[1] - (now - self.window[0])
                self._note(spec, "limited", method, path, headers, body)
                text = json.dumps({"error": {"message": f"Rate limit reached. Please try again in {wait:.3f}s.", "type": "requests", "param": None, "code": "rate_limit_exceeded"}})
                return await self._plain(c, 429, {"Content-Type": "application/json", "retry-after-ms": str(int(wait * 1000) + 1), "retry-after": str(int(wait) + 1),
                                                  "x-ratelimit-limit-requests": str(self.limit[0]), "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": f"{wait:.3f}s"}, text.encode())
            self.window.append(now)
        name = self._pick(spec)
        self._note(spec, name, method, path, headers, body, bool(data.get("stream")))
        case = self.cases.get(name)
        if case is None:
            msg = json.dumps({"error": {"message": f"fault_server: no case {name!r}", "type": "invalid_request_error", "code": "no_such_fault", "param": None}})
            await self._plain(c, 418, {"Content-Type": "application/json"}, msg.encode())
            return True
        api = "responses" if "/responses" in path else "chat"
        if name in ("ok", "ok_slow"):
            fitting = fitting_content(data)
            if fitting is not None:
                case = {**case, "completion": {**case["completion"], "content": fitting}}
            if self.latency:
                await asyncio.sleep(self.latency)
        if case.get("delay"):
            await c.sleep(case["delay"])
        if case.get("steps"):
            return await self._steps(c, case, api, model, bool(data.get("stream")), served, headers)
        return await self._http(c, case, api, model, bool(data.get("stream")))

    def _note(self, spec, name, method, path, headers, body, stream=False) -> None:
        auth = headers.get("authorization", "")
        with self.lock:
            self.log.append({"t": time.monotonic(), "spec": spec, "case": name, "method": method, "path": path,
                             "stream": stream, "body_sha": hashlib.sha256(body).hexdigest()[:12], "body_len": len(body),
                             "auth": "sha256:" + hashlib.sha256(auth.encode("latin-1", "replace")).hexdigest()[:8] if auth else None,
                             "retry_count": headers.get("x-stainless-retry-count"),
                             "idempotency_key": headers.get("idempotency-key"),
                             "header_names": sorted(headers)})

    async def _plain(self, c: Conn, status: int, headers: dict, body: bytes) -> bool:
        h = dict(headers)
        if status != 204:
            h.setdefault("Content-Length", str(len(body)))
        await c.send(render_head(status, h) + body)
        return True

    async def _admin(self, c: Conn, method: str, path: str) -> bool:
        what = path.rsplit("/", 1)[1]
        if what == "reset":
            self.reset()
            out: object = {"ok": True}
        elif path.startswith("/__fault/play/"):
            self.playing = path[len("/__fault/play/"):]
            with self.lock:
                self.counters.pop(self.playing, None)
            out = {"playing": self.playing}
        elif path.startswith("/__fault/limit/"):
            calls, _, seconds = path[len("/__fault/limit/"):].partition("/")
            self.limit = (int(calls), float(seconds or 60))
            out = {"limit": self.limit}
        elif path.startswith("/__fault/latency/"):
            self.latency = float(what)
            out = {"latency": self.latency}
        elif what == "log":
            out = self.requests()
        elif what == "verdict":
            out = self.verdict()
        else:
            out = [{k: v.get(k) for k in ("name", "group", "how", "status", "expected_category", "error_code", "retriable", "note")} for v in self.cases.values()]
        return await self._plain(c, 200, {"Content-Type": "application/json"}, json.dumps(out).encode())

    async def _http(self, c: Conn, case: dict, api: str, model: str, stream: bool) -> bool:
        headers = dict(case["headers"])
        beh = case.get("behaviour") or ""
        if beh.startswith("gzip_bomb:"):
            body = gzip_bomb(int(beh.split(":")[1]))
        elif beh.startswith("huge_json:"):
            n = int(beh.split(":")[1])
            body = json.dumps(chat_json(model, {"content": "a" * n})).encode()
        elif beh.startswith("nested_json:"):
            n = int(beh.split(":")[1])
            body = b'{"choices":' + b"[" * n + b"]" * n + b"}"
        elif beh.startswith("big_int:"):
            body = b'{"id":"x","object":"chat.completion","created":' + b"9" * int(beh.split(":")[1]) + b',"model":"m","choices":[]}'
        elif case.get("body_b64"):
            body = base64.b64decode(case["body_b64"])
        elif "completion" in case or case.get("responses_status"):
            comp = case.get("completion") or {}
            if stream:
                return await self._sse_all(c, case, api, model, comp)
            obj = response_json(model, case, comp) if api == "responses" else chat_json(model, comp)
            body = json.dumps(obj).encode()
        else:
            body = (case.get("body") or "").encode("utf-8", "surrogatepass")
        await self._plain(c, case["status"], headers, body)
        return headers.get("Connection", "").lower() != "close"

    def _good_events(self, case, api, model, comp) -> list[bytes]:
        if api == "responses":
            return [f"event: {t}\ndata: {json.dumps(d)}\n\n".encode() for t, d in response_events(model, case, comp)]
        return [f"data: {e}\n\n".encode() for e in chat_events(model, comp)]

    async def _sse_all(self, c: Conn, case, api, model, comp) -> bool:
        h = {k: v for k, v in case["headers"].items() if k.lower() not in ("content-type", "content-length", "content-encoding")}
        await c.head(case["status"] or 200, {**h, "Content-Type": "text/event-stream; charset=utf-8"})
        for ev in self._good_events(case, api, model, comp):
            await c.chunk(ev)
        await c.send(b"0\r\n\r\n")
        return True

    async def _steps(self, c: Conn, case, api, model, stream, served, req_headers) -> bool:
        comp = {"content": GOOD}
        events = self._good_events({}, api, model, comp)
        # content events only: everything before the final event(s)
        tail = 1 if api == "responses" else 2
        content, pos = events[:-tail], 0
        started = case["group"] != "stream"
        for st in case["steps"]:
            op = st["op"]
            if not started and op != "head":
                await c.head(case["status"] or 200, case["headers"])
                started = True
            if op == "head":
                await c.head(st.get("status") or case["status"] or 200, {**case["headers"], **st.get("extra", {})}, st.get("chunked", True))
                started = True
            elif op == "sse_ok":
                for ev in content[pos:pos + st["n"] + (1 if pos == 0 else 0)]:
                    await c.chunk(ev)
                pos += st["n"] + (1 if pos == 0 else 0)
                await asyncio.sleep(0.01)
            elif op == "sse_rest":
                for ev in content[pos:]:
                    await c.chunk(ev)
            elif op == "sse_drip":
                for i in range(st["n"]):
                    d = json.dumps(chat_chunk(model, {"content": "x"}))
                    await c.chunk(f"data: {d}\n\n".encode() if api == "chat" else b": tick\n\n")
                    await c.sleep(st["interval"])
            elif op == "sse_finish":
                if api == "responses":
                    await c.chunk(events[-1])
                else:
                    await c.chunk(f"data: {json.dumps(chat_chunk(model, {}, st.get('reason', 'stop')))}\n\n".encode())
            elif op == "sse_done":
                await c.chunk(b"data: [DONE]\n\n")
            elif op == "sse_all":
                for ev in events:
                    if st.get("eol"):
                        ev = ev.replace(b"\n", st["eol"].encode())
                    if st.get("prefix"):
                        ev = ev.replace(b"data: ", st["prefix"].encode())
                    await c.chunk(ev)
                if not st.get("keep_open"):
                    await c.send(b"0\r\n\r\n")
            elif op == "sse":
                await c.chunk(f"data: {json.dumps(st['data'])}\n\n".encode())
            elif op == "raw_chunk":
                await c.chunk(st["data"].encode())
            elif op == "raw_chunk_b64":
                await c.chunk(base64.b64decode(st["data"]))
            elif op == "raw":
                await c.send(st["data"].encode("latin-1"))
            elif op == "fill":
                for _ in range(st["bytes"] // 1000):
                    await c.send(b"x" * 1000)
            elif op == "drip":
                raw = st["data"].encode("latin-1")
                for i in range(0, len(raw), st.get("bytes", 1)):
                    await c.send(raw[i:i + st.get("bytes", 1)])
                    await c.sleep(st["interval"])
            elif op == "repeat_raw":
                for _ in range(st["n"]):
                    await c.send(st["data"].encode("latin-1"))
                    await c.sleep(st["interval"])
            elif op == "keepalive":
                for _ in range(st["n"]):
                    await c.chunk(b": keepalive\n\n")
                    await c.sleep(st["interval"])
            elif op == "resp_created":
                await c.chunk(events[0])
            elif op in ("resp_failed", "resp_incomplete"):
                status = op[5:]
                full = response_json(model, {"responses_status": status, "responses_incomplete": st.get("reason"),
                                             "responses_error": {"code": st["code"], "message": "boom"} if st.get("code") else None}, {})
                t = f"response.{status}"
                await c.chunk(f"event: {t}\ndata: {json.dumps({'type': t, 'sequence_number': 9, 'response': full})}\n\n".encode())
            elif op == "end":
                if c.chunked:
                    await c.send(b"0\r\n\r\n")
                return c.chunked
            elif op == "sleep":
                await c.sleep(st["s"])
            elif op == "redirect":
                to = (st.get("to") or "").replace("{port}", str(self.port)) or f"/fault/{case['name']}/v1/chat/completions"
                await self._plain(c, st["status"], {"Location": to}, b"")
                return True
            elif op in ("ok_keepalive_then_close", "ok_then_close_on_second"):
                if op == "ok_then_close_on_second" and served >= 2:
                    c.close()
                body = json.dumps(response_json(model, {}, comp) if api == "responses" else chat_json(model, comp)).encode()
                await self._plain(c, 200, {"Content-Type": "application/json", "Connection": "keep-alive"}, body)
                return op == "ok_then_close_on_second"
            elif op == "rst":
                c.rst()
            elif op == "close":
                c.close()
            elif op == "hang":
                await c.hang()
            else:
                raise RuntimeError(op)
        return True


def self_signed_context() -> ssl.SSLContext | None:
    if not shutil.which("openssl"):
        return None
    d = tempfile.mkdtemp(prefix="fault-tls-")
    key, crt = f"{d}/k.pem", f"{d}/c.pem"
    r = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", crt, "-days", "2",
                        "-subj", "/CN=fault.invalid"], capture_output=True)
    if r.returncode:
        return None
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.load_cert_chain(crt, key)
    return ctx


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--port", type=int, default=8790)
    ap.add_argument("--host", default="127.0.0.1")
    ap.add_argument("--scale", type=float, default=1.0, help="multiply every delay")
    ap.add_argument("--tls", action="store_true")
    ap.add_argument("--corpus", default=str(CORPUS))
    a = ap.parse_args()

    async def run() -> None:
        srv = FaultServer(a.host, a.port, load_corpus(a.corpus), a.scale, a.tls)
        await srv.start()
        print(f"fault server: {len(srv.cases)} cases on http://{srv.host}:{srv.port}/fault/<case>/v1" + (f", TLS on {srv.tls_port}" if srv.tls_port else ""), flush=True)
        await asyncio.Event().wait()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
