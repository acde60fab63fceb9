"""procrastinate as procrastinate.readthedocs.io/en/stable/quickstart.html sets it up: an App with
the asynchronous PsycopgConnector, async tasks, one worker command for each process.

Its Django integration is left out, in its favour: it adds two hops through a thread for each job
(contrib/django/db_cleanup.py), and the asynchronous ORM one for each statement. Here the task's own
statements use the connector's pool, on the event loop.
"""

from __future__ import annotations

import django

django.setup()

import openai  # noqa: E402
import procrastinate  # noqa: E402
from django.db import connection  # noqa: E402
from psycopg.rows import tuple_row  # noqa: E402
from psycopg.types.json import Jsonb  # noqa: E402
from psycopg_pool import AsyncConnectionPool  # noqa: E402

from bench.peers.calling import RUN, ask_async, retrying  # noqa: E402


def _connector() -> procrastinate.PsycopgConnector:
    values = connection.settings_dict
    conninfo = "postgresql://{USER}@{HOST}:{PORT}/{NAME}".format(**values)
    # howto/basics/connector.html: the arguments are the pool's. One connection is LISTENing.
    return procrastinate.PsycopgConnector(conninfo=conninfo, min_size=16, max_size=32, timeout=60)


app = procrastinate.App(connector=_connector())


def _pool() -> AsyncConnectionPool:
    connector = app.connector
    assert isinstance(connector, procrastinate.PsycopgConnector)
    return connector.pool


@app.task(name="bench.run_job")
async def run(job_id: str) -> None:
    async with _pool().connection() as on, on.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(
            "UPDATE bench_work_job SET status = 'running', attempts = attempts + 1,"
            " started_at = now() WHERE id = %s AND status = 'pending' RETURNING prompt",
            (job_id,),
        )
        row = await cursor.fetchone()
    if row is None:
        return
    try:
        feedback, model = await retrying(ask_async)(row[0])
    except openai.OpenAIError:
        async with _pool().connection() as on:
            await on.execute(
                "UPDATE bench_work_job SET status = 'failed', attempts = %s, finished_at = now()"
                " WHERE id = %s",
                (RUN.calls_each, job_id),
            )
        return
    strengths = [strength.model_dump() for strength in feedback.strengths]
    async with _pool().connection() as on:  # one transaction
        await on.execute(
            "UPDATE bench_work_job SET status = 'completed', finished_at = now() WHERE id = %s",
            (job_id,),
        )
        await on.execute(
            "INSERT INTO bench_work_result (job_id, score, feedback, strengths, model, created_at)"
            " VALUES (%s, %s, %s, %s, %s, now())",
            (job_id, feedback.score, feedback.feedback, Jsonb(strengths), model),
        )
