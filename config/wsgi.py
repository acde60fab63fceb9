"""The application for any WSGI server. Ours reaches it through `config.rsgi`, which reads bodies
under limits of time; a server without such limits needs a proxy in front that has them."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from operations import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()
telemetry.start_spans("web")
telemetry.start_reports("web")
