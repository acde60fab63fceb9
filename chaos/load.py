"""Work for a campaign: operations of the test kind, submitted all the time, some of them faulty."""

from __future__ import annotations

import random
import time
from uuid import UUID

from django.db import Error as DatabaseError
from django.db import connection, transaction

from chaos.threads import CampaignThread
from operations.database.trouble import is_trouble
from operations.models import Operation
from operations.refusals import NotCancellable, OperationInProgress
from operations.services import cancel_operation, submit_operation

KIND = "judgement"
SUBJECT_TYPE = "chaos"

FAULTS = {
    "": 78,
    "server_500*1,ok": 10,
    "server_503_model_overloaded*2,ok": 4,
    "rate_limit_rpm*1,ok": 4,
    "b200_json_missing_field*1,ok": 4,
}
"""Scripts of the fault server, each with its weight; the last two fail at once and for good."""

CANCELLED_SHARE = 0.02


class Submitter(CampaignThread):
    """Submits operations at a steady mean rate until told to stop. Notes what was confirmed."""

    def __init__(self, *, name: str, seed: int, per_second: float = 1.0) -> None:
        super().__init__(name)
        self.confirmed: set[UUID] = set()
        self.per_second = per_second
        self._dice = random.Random(seed)  # noqa: S311
        self._count = 0
        self.asked = 0
        """Begins and ends of tries: both meet what is wrong just then."""

    def work(self) -> None:
        while not self.ending.wait(self._dice.expovariate(self.per_second)):
            self.submit_one()

    def burst(self, count: int) -> None:
        """Without faults, all at once: one drain gets them all."""
        with transaction.atomic():
            for _ in range(count):
                self._count += 1
                self.confirmed.add(self._submit(f"{self.name}-{self._count}", {}))

    def submit_one(self) -> None:
        self._count += 1
        operation_id = self._submit(f"{self.name}-{self._count}", self._parameters())
        self.confirmed.add(operation_id)
        if self._dice.random() < CANCELLED_SHARE:
            self._cancel(operation_id)

    def _parameters(self) -> dict[str, str]:
        (fault,) = self._dice.choices(list(FAULTS), list(FAULTS.values()))
        # A counter of its own in the fault server: this operation alone meets the fault.
        return {"model": f"fault:{fault}~{self.name}-{self._count}"} if fault else {}

    def _submit(self, subject_id: str, parameters: dict[str, str]) -> UUID:
        """Again until the database takes it: as a person would press the button again."""
        while True:
            self.asked += 1
            try:
                return submit_operation(
                    kind=KIND,
                    subject_type=SUBJECT_TYPE,
                    subject_id=subject_id,
                    parameters=parameters,
                    door="command",
                ).pk
            except OperationInProgress as refusal:  # its commit arrived, its confirmation did not
                return UUID(str(refusal.existing_id))
            except DatabaseError as error:
                if not is_trouble(error):
                    raise
                connection.close()
                time.sleep(0.2)
            finally:
                self.asked += 1

    def _cancel(self, operation_id: UUID) -> None:
        try:
            cancel_operation(operation_id=operation_id, door="command")
        except NotCancellable:
            return
        except DatabaseError as error:
            if not is_trouble(error):
                raise
            connection.close()


def unfinished() -> int:
    return Operation.objects.filter(status__in=Operation.UNFINISHED).count()
