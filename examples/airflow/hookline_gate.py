"""A DAG whose data passes a gate before anybody builds on it: ``hookline check`` decides, by its exit code.

    0  nothing refuses                       the next task runs
    1  the data can't be read                try again: it may be there later
    3  a critical check failed, or a required one has no answer
    4  the suite or the configuration is wrong
                                             fail at once: trying again changes neither the data nor the suite

Copy this file into your DAGs' folder. It needs Airflow 2.7 or later, and ``hookline`` and PySpark where the tasks run.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow import DAG
from airflow.exceptions import AirflowException, AirflowFailException
from airflow.models.baseoperator import BaseOperator
from airflow.operators.bash import BashOperator

CANNOT_READ = 1
REFUSED = 3


class HooklineCheckOperator(BaseOperator):
    """Judges a dataset by suites; its verdicts are the task's return value (XCom).

    Args:
        place: a path, or a table's name.
        suites: files with suites.
        settings: settings of Spark, such as its master.
        timeout_s: how long checking may take.
    """

    template_fields: Sequence[str] = ("place", "suites", "settings")

    def __init__(
        self,
        *,
        place: str,
        suites: Sequence[str],
        settings: dict[str, str] | None = None,
        timeout_s: float = 3600.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.place = place
        self.suites = suites
        self.settings = settings or {}
        self.timeout_s = timeout_s

    def execute(self, context: Any) -> list[dict[str, Any]]:
        """Run the check, and return the verdicts.

        Raises:
            AirflowFailException: the data is refused, or the suite is wrong.
            AirflowException: the data can't be read, or checking took too long.
        """
        command = ["hookline", "check", self.place, "--json", "-"]
        command += [part for suite in self.suites for part in ("--suite", suite)]
        command += [part for key, value in self.settings.items() for part in ("--conf", f"{key}={value}")]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=self.timeout_s, check=False)
        except subprocess.TimeoutExpired:
            raise AirflowException(f"checking {self.place} took more than {self.timeout_s:.0f} s") from None
        if done.returncode == CANNOT_READ:
            raise AirflowException(done.stderr.strip())
        if done.returncode not in (0, REFUSED):
            raise AirflowFailException(done.stderr.strip())
        verdicts: list[dict[str, Any]] = json.loads(done.stdout)["verdicts"]
        for verdict in verdicts:
            self.log.info("%s: %s (%s)", verdict["check"], verdict["status"], verdict["expected"])
        if done.returncode == REFUSED:
            refusing = [v["check"] for v in verdicts if _refuses(v)]
            raise AirflowFailException(f"{self.place} is refused by {', '.join(refusing)}")
        return verdicts


def _refuses(verdict: dict[str, Any]) -> bool:
    if verdict["status"] == "failed":
        return bool(verdict["severity"] == "critical")
    return bool(verdict["required"] and verdict["status"] in ("error", "skipped"))


with DAG(
    dag_id="orders_behind_a_gate",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
) as dag:
    load = BashOperator(task_id="load", bash_command="hookline run -- /opt/jobs/load_orders.py {{ ds }}")
    gate = HooklineCheckOperator(
        task_id="gate",
        place="s3a://lake/silver/orders/day={{ ds }}",
        suites=["/opt/suites/orders.yaml"],
        settings={"spark.master": "local[2]"},
    )
    # The same without an operator of one's own; any code but 0 fails the task, and it is not tried again.
    gate_in_bash = BashOperator(
        task_id="gate_in_bash",
        bash_command="hookline check s3a://lake/silver/orders/day={{ ds }} --suite /opt/suites/orders.yaml",
        retries=0,
    )
    publish = BashOperator(task_id="publish", bash_command="hookline run -- /opt/jobs/publish_orders.py {{ ds }}")

    load >> [gate, gate_in_bash] >> publish
