"""Who may see a model's health and act on it: whoever may read, run or change its DAGs in Airflow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Literal

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from airflow.models.dag import DagModel

from perennial.orchestration.own_api import SERVER, Login
from perennial.web.access import Deed, Person, Request
from perennial.web.dags import retrain_dag, score_dag

Method = Literal["GET", "POST", "PUT"]
_DEMANDS: Mapping[Deed, tuple[tuple[str, Method, DagAccessEntity | None], ...]] = MappingProxyType(
    {
        Deed.READ: (("score", "GET", None),),
        Deed.RETRAIN: (("retrain", "PUT", None), ("retrain", "POST", DagAccessEntity.RUN)),
        Deed.ANSWER: (("retrain", "PUT", None), ("retrain", "PUT", DagAccessEntity.HITL_DETAIL)),
        Deed.ROLL_BACK: (("score", "PUT", None), ("retrain", "PUT", None)),
        Deed.PAUSE: (("score", "PUT", None), ("retrain", "PUT", None)),
    }
)
"""Which rights a deed asks for: of which DAG, to do what, with what of it."""


class AirflowAccess:
    """Asks Airflow's auth manager, whichever it is."""

    async def person(self, request: Request) -> Person:
        """Return who is logged in, by the token in the header or the cookie.

        Raises:
            HTTPException: 401, nobody; 403, by no token of this Airflow.
        """
        bearer = await bearer_scheme(request)
        user = await get_user(request, None, bearer)
        token = bearer.credentials if bearer else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
        return Person(str(user.get_name()), Login(user, token, request.scope.get(SERVER)), str(user.get_id()))

    def may(self, person: Person, deed: Deed, model: str) -> bool:
        """Return whether Airflow lets *person* do that with the model's DAGs, whether or not there are such DAGs."""
        dags = {"score": score_dag(model), "retrain": retrain_dag(model)}
        return all(_may(person.user.user, dags[flow], method, entity) for flow, method, entity in _DEMANDS[deed])

    def readable(self, person: Person, models: Collection[str]) -> set[str]:
        """Return the models whose scoring DAG *person* may read."""
        dags = {score_dag(model): model for model in models}
        teams: dict[str | None, set[str]] = {}
        known = DagModel.get_dag_id_to_team_name_mapping(list(dags))
        for dag in dags:
            teams.setdefault(known.get(dag), set()).add(dag)
        manager, user = get_auth_manager(), person.user.user
        found = (
            manager.filter_authorized_dag_ids(dag_ids=ids, user=user, method="GET", team_name=team) for team, ids in teams.items()
        )
        return {dags[dag] for ids in found for dag in ids}


def _may(user: Any, dag: str, method: Method, entity: DagAccessEntity | None) -> bool:  # noqa: ANN401 - of the auth manager's own kind
    details = DagDetails(id=dag, team_name=DagModel.get_team_name(dag))
    return bool(get_auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=user))
