"""The settings of every process of the bench: `config.settings` in an environment that the bench
alone decides, the work app, and what differs between sides (`bench.options.Run`)."""

from __future__ import annotations

import os

from bench.options import current_run
from config.environment import VARIABLES

RUN = current_run()

for name in VARIABLES:
    os.environ.pop(name, None)
os.environ.update(RUN.product_environment())

from config.settings import *  # noqa: E402, F403
from config.settings import DATABASES, INSTALLED_APPS, LOGGING, Q_CLUSTER, REDIS_URL  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "bench.work"]

if not RUN.is_ours:
    # Ours writes its log lines. Peers are spared theirs: procrastinate would write two for each
    # job through the product's masking, which no user of it would do.
    LOGGING = {**LOGGING, "root": {**LOGGING["root"], "level": "WARNING"}}
    if RUN.variant.pool:
        # docs.djangoproject.com/en/5.2/ref/databases/#connection-pool; a pool needs an age of 0.
        DATABASES["default"] |= {
            "CONN_MAX_AGE": 0,
            "CONN_HEALTH_CHECKS": False,
            "OPTIONS": {
                "pool": {"min_size": RUN.pool_size, "max_size": RUN.pool_size, "timeout": 60}
            },
        }
    else:
        # docs.djangoproject.com/en/5.2/ref/databases/#persistent-connections: one for each thread
        # or process, never closed.
        DATABASES["default"] |= {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": False}

if RUN.side == "django_q2":
    # As django-q2.readthedocs.io/en/master/configure.html shows it for Redis, with its defaults
    # but for the number of workers; `retry` has to exceed `timeout`.
    Q_CLUSTER = {
        "name": "bench",
        "workers": RUN.concurrency,
        "timeout": 60,
        "retry": 120,
        "queue_limit": 500,
        "save_limit": -1,
        "redis": REDIS_URL,
    }
