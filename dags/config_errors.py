"""Shows every broken definition as an import error in Airflow's user interface. Has no DAG of its own.

The good ones are in score.py and retrain.py, which a broken one never reaches.
"""

from perennial.orchestration.flows import refuse_broken_definitions

refuse_broken_definitions()
