"""A weekly release with Airflow: look at the plan, make the release, show how it ended. Copy it to where DAGs are.

The command is started as any other program, so Airflow's own environment needs nothing of synth-spark. What another try
may mend is tried again; a release that is held, or whose input is wrong, is not, and fails the last task. Under
differential privacy every new run is debited: set ``retries`` to 0 there, and go on with `synth-spark resume`.
"""

from datetime import datetime, timedelta

from airflow.models.dag import DAG
from airflow.providers.standard.operators.bash import BashOperator

SYNTH_SPARK = "/opt/synth-spark/.venv/bin/synth-spark"
PLAN = "/etc/synth-spark/cases.yml"
STATE = "/var/lib/synth-spark"
#: Exit codes that another try may mend: the output could not be written, Spark or Java failed, something unforeseen.
TRY_AGAIN = (6, 8, 70)

#: Airflow tries again whatever fails. So a code that it should not try again ends this task well, and fails the next.
_RELEASE = f"""
umask 077
{SYNTH_SPARK} run {PLAN} --log-format json --summary {STATE}/{{{{ ts_nodash }}}}.json
code=$?
case $code in {"|".join(map(str, TRY_AGAIN))}) exit $code ;; esac
exit 0
"""
_VERDICT = f"""
cat {STATE}/{{{{ ts_nodash }}}}.json
grep -q '"verdict": "published"' {STATE}/{{{{ ts_nodash }}}}.json
"""

with DAG(
    dag_id="synth_spark_release",
    schedule="0 3 * * 0",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
    tags=["synth-spark"],
) as dag:
    plan = BashOperator(task_id="plan", bash_command=f"{SYNTH_SPARK} plan {PLAN}", retries=0)
    release = BashOperator(task_id="release", bash_command=_RELEASE, execution_timeout=timedelta(hours=4))
    verdict = BashOperator(task_id="verdict", bash_command=_VERDICT, retries=0)
    plan >> release >> verdict
