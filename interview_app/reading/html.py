"""Text out of HTML, one block a line, without scripts, styles and what is hidden."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator

from lxml import etree, html

from interview_app.reading.reading import Reading, Refused
from interview_app.resume_limits import NO_TEXT

UNSEEN = frozenset(
    ("head", "script", "style", "noscript", "template", "svg", "iframe", "object", "select")
)
BLOCKS = frozenset(
    "address article aside blockquote body dd details div dl dt fieldset figcaption figure footer"  # noqa: SIM905
    " form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead"
    " tr ul".split()
)

OPENING = {"li": "\n• ", "br": "\n"}
CLOSING = {"td": " | ", "th": " | "}


def read(data: bytes) -> Reading:
    return Reading(html_text(data))


def html_text(data: bytes | str) -> str:
    if not data.strip():
        raise Refused(NO_TEXT)
    if isinstance(data, str):
        data = data.encode("utf-8", "replace")
        parser = html.HTMLParser(encoding="utf-8", remove_comments=True, huge_tree=False)
    else:
        parser = html.HTMLParser(encoding=_encoding(data), remove_comments=True, huge_tree=False)
    try:
        root = html.document_fromstring(data, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        raise Refused(NO_TEXT) from None
    return "".join(_pieces(root))


def mhtml_text(data: bytes) -> str:
    """A web page saved as one message: its first HTML part."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    for part in message.walk():
        if part.get_content_type() == "text/html":
            return html_text(str(part.get_content()))
    raise Refused(NO_TEXT)


def _encoding(data: bytes) -> str | None:
    """None leaves it to the page's own `<meta charset>`."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _pieces(root: html.HtmlElement) -> Iterator[str]:
    # Events instead of recursion: a page may be nested deeper than Python calls.
    hidden = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        name = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            hidden += _is_hidden(node, name)
            if not hidden:
                yield OPENING.get(name, "\n" if name in BLOCKS else "") + _squeezed(node.text)
            continue
        if not hidden:
            yield CLOSING.get(name, "\n" if name in BLOCKS else "")
        hidden -= _is_hidden(node, name)
        if not hidden:
            yield _squeezed(node.tail)


def _is_hidden(node: html.HtmlElement, name: str) -> bool:
    style = (node.get("style") or "").replace(" ", "").lower()
    return name in UNSEEN or node.get("hidden") is not None or "display:none" in style


def _squeezed(text: str | None) -> str:
    return re.sub(r"\s+", " ", text or "")
