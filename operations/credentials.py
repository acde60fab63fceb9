"""Which key goes to which address, and whether either can be used at all.

Pure settings and strings: web processes use this to label pauses and to say "simulated", so nothing
here imports the SDK or opens a connection.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from operations.errors import AuthenticationError

OPENAI_URL = "https://api.openai.com/v1"
SIMULATED_URL = "http://simulated.invalid/v1"
NO_KEY = "none"
"""Sent where only a base URL is set: Ollama, vLLM and the like want some key, any key."""

LABEL_LENGTH = 100
FINGERPRINT_LENGTH = 12


@dataclass(frozen=True)
class Credential:
    """A base URL and a key. `label` names it in rows and logs; the key itself is in neither."""

    base_url: str
    api_key: str = field(repr=False)
    own_key: bool
    simulated: bool
    fingerprint: str

    @property
    def label(self) -> str:
        """ "<base URL>#<key fingerprint>", at most 100 characters, without user and password."""
        room = LABEL_LENGTH - len(self.fingerprint) - 1
        return f"{_shortened(_without_userinfo(self.base_url), room)}#{self.fingerprint}"


def make_credential(api_key: str, *, base_url: str = "", owner_id: int | None = None) -> Credential:
    """The credential of this key at this address (default: the installation's address), or of this
    person's own.

    The key is taken as it is: whoever reads it from a person or the environment strips it.
    """
    is_own = owner_id is not None
    return Credential(
        base_url=base_url or installation_base_url(),
        api_key=api_key,
        own_key=is_own,
        simulated=False,
        # Who saves somebody else's key, or the installation's, shares no pause with them.
        fingerprint=fingerprint_of(f"{owner_id}:{api_key}" if is_own else api_key),
    )


def installation_credential() -> Credential:
    """What calls without an own key use. Raises AuthenticationError where nothing is configured."""
    if is_simulated():
        return Credential(SIMULATED_URL, "simulated", False, True, "simulated")
    key = settings.OPENAI_API_KEY or ""
    if key:
        return make_credential(key.strip())
    if settings.OPENAI_BASE_URL:
        return make_credential(NO_KEY)
    raise AuthenticationError("API_KEY_NOT_CONFIGURED", maybe_processed=False)


def installation_label() -> str:
    """The label of this process's installation credential; empty without a key. Only a process that
    calls may act on it: a web process may have another key, or none."""
    try:
        return installation_credential().label
    except AuthenticationError:
        return ""


def is_simulated() -> bool:
    """Neither a key nor an address: answers are made up here, and labelled as such everywhere."""
    if settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL:
        return False
    return bool(settings.DEBUG or settings.SIMULATED_PROVIDER)


def installation_base_url() -> str:
    return (settings.OPENAI_BASE_URL or "").strip().rstrip("/") or OPENAI_URL


def fingerprint_of(api_key: str) -> str:
    digest = hashlib.sha256(api_key.encode("utf-8", "surrogatepass")).hexdigest()
    return digest[:FINGERPRINT_LENGTH]


def key_fault(api_key: str) -> str:
    """Why this key can never be sent, or "". The sentence does not contain the key.

    A key travels in an HTTP header. The SDK reports one that cannot as a connection error whose
    cause prints the key, so it is never let that far.
    """
    if not api_key.strip():
        return "it is empty or only white space"
    if not api_key.isascii():
        return "it has a character that is not ASCII"
    if any(c.isspace() for c in api_key):
        return "it has white space or a line break"
    if not api_key.isprintable():
        return "it has a control character"
    return ""


def base_url_fault(url: str) -> str:
    """Why no request can be sent to this base URL, or ""."""
    if any(c.isspace() or not c.isprintable() for c in url):
        return "it has white space or a control character"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is not a URL"
    if parts.scheme not in ("http", "https"):
        return "it does not start with http:// or https://"
    if port == 0:
        return "its port is 0"
    return _host_fault(parts) or _extras_fault(parts)


INSIDE = (".localhost", ".local", ".internal", ".intranet", ".lan", ".home.arpa", ".corp")


def is_internal(url: str) -> bool:
    """Whether its host is, as it is written, this machine's or an internal network's: by number in
    any notation, or by a name that the public DNS does not have. Names are not looked up."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if "." not in host and ":" not in host:  # localhost, redis, and 2130706433
        return True
    if host.endswith(INSIDE):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        # 127.1 and 0x7f.0.0.1 are addresses to a resolver; no top-level domain begins with a digit.
        return host.rpartition(".")[2][:1].isdecimal()


def _host_fault(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if not host:
        return "it has no host"
    try:
        host.rstrip(".").encode("idna")
    except UnicodeError:
        return "its host is not a valid name"
    return ""


def _extras_fault(parts: SplitResult) -> str:
    if "@" in parts.netloc:
        return "it holds a user name or password"
    if parts.query or parts.fragment:
        return "it has a query or a fragment"
    return ""


def _without_userinfo(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def _shortened(text: str, length: int) -> str:
    """Cut to `length`; a hash of the whole keeps two long addresses apart."""
    if len(text) <= length:
        return text
    mark = "~" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return text[: length - len(mark)] + mark
