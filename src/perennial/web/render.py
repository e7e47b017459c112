"""Templates into pages. Whatever they are given is text, unless a plot made it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from perennial.web import shown
from perennial.web.access import Request

_FILTERS = ("figure", "share", "day", "minute", "span", "ago", "short", "seconds", "size", "first")


def environment() -> Environment:
    """Return the environment of all templates."""
    made = Environment(
        loader=PackageLoader("perennial.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {name: getattr(shown, name) for name in _FILTERS} | {"removeprefix": str.removeprefix}
    return made


def render(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """Return the page that *template* makes of *values*."""
    pages: Environment = request.app.state.pages
    urls = urls_of(request)
    content = pages.get_template(template).render(root=urls.root, url=urls, now=request.app.state.site.now(), **values)
    return HTMLResponse(content, status)


def urls_of(request: Request) -> Urls:
    """Return where things are for whoever sent *request*."""
    return Urls(str(request.scope.get("root_path", "")))


class Urls:
    """Where things are, below *root*."""

    def __init__(self, root: str) -> None:
        """Remember where the application is mounted."""
        self.root = root

    def model(self, model: str, segment: str, *rest: str, **asked: object) -> str:
        """Return the address of a page about a model."""
        path = "/".join(quote(part, safe="") for part in ("models", model, segment, *rest))
        return f"{self.root}/{path}{query(asked)}"

    def fleet(self, **asked: object) -> str:
        """Return the address of the first page."""
        return f"{self.root}/{query(asked)}"

    def fleet_csv(self, **asked: object) -> str:
        """Return the address of the same as CSV."""
        return f"{self.root}/fleet.csv{query(asked)}"

    def airflow(self, dag: str, run: str | None = None) -> str:
        """Return the address of a DAG, or of a run of it, in Airflow's own pages."""
        above = self.root.rpartition("/")[0]
        path = f"{above}/dags/{quote(dag, safe='')}"
        return f"{path}/runs/{quote(run, safe='')}" if run else path


def query(asked: Mapping[str, object]) -> str:
    """Return the part of an address after its path; what is None or empty is left out.

    Examples:
        >>> query({"entity": "a b", "until": None})
        '?entity=a+b'
    """
    said = {key: str(value) for key, value in asked.items() if value not in (None, "")}
    return f"?{urlencode(said)}" if said else ""
