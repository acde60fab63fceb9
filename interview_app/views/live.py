"""The part of a page that follows its operations.

With JavaScript the page polls the fragment's own address and is answered 304 while nothing changed;
without, the whole page is loaded again by a meta refresh. A fragment holds no CSRF token, which
would change with every answer: its buttons belong to a form outside of it.
"""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import conditional_page, require_safe

View = Callable[..., HttpResponse]


def live_fragment(view: View) -> View:
    """A GET of one's own fragment, with an ETag over its bytes. No cache needs to keep it for that:
    the page's script remembers the tag itself."""
    fragment: View = cache_control(private=True, no_store=True)(conditional_page(view))
    return login_required(require_safe(fragment))


def own_page(view: View) -> View:
    """A GET of one's own page. Never stored: going back shows what is true now, and a shared
    computer keeps nothing."""
    page: View = never_cache(require_safe(view))
    return login_required(page)
