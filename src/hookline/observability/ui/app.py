"""The pages and the API as one ASGI application. It reads and answers; nothing that it is asked changes anything."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from hookline.core.errors import HooklineError, UnknownRunError
from hookline.core.labels import LabelsConfig
from hookline.core.store.reader import StoreReader, UnreadyStoreError
from hookline.core.store.records import Name, StoredLineage
from hookline.observability.ui import openapi
from hookline.observability.ui.asking import STATUSES, Asked
from hookline.observability.ui.documents import Document, LineageLink, Named, Problem
from hookline.observability.ui.gather.ancestry import Ancestries
from hookline.observability.ui.gather.dataset import dataset
from hookline.observability.ui.gather.datasets import DatasetFilter, datasets
from hookline.observability.ui.gather.health import health
from hookline.observability.ui.gather.overview import overview
from hookline.observability.ui.gather.run import run
from hookline.observability.ui.gather.runs import history, runs
from hookline.observability.ui.gather.search import search
from hookline.observability.ui.guard import Guard
from hookline.observability.ui.pages import Pages

# Draws lineage, or the part around a dataset: an HTML document, and the policy that lets its own script run.
Picture = Callable[[StoredLineage, Name | None], tuple[str, str]]
_LIMIT, _MOST_LIMIT = 50, 200
_ASSETS = {"style.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_TITLES = {
    "missing": "No run history yet",
    "empty": "No run history yet",
    "older": "The run history is of an earlier version",
    "newer": "The run history is of a newer version",
    "busy": "The run history is busy",
    "unusable": "The run history can't be read",
    "unknown": "There is no such thing here",
    "failed": "This page failed",
}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """What the pages are about.

    Attributes:
        outbox: its file, which need not exist.
        picture: draws lineage: another room's work, which whoever starts the page brings.
    """

    reader: StoreReader
    labels: LabelsConfig
    outbox: Path
    picture: Picture


class UnknownError(HooklineError):
    """Nothing has that address."""


def application(sources: Sources, *, names: Iterable[str] = (), token: str | None = None) -> Starlette:
    """The application.

    Args:
        names: by which a browser may ask for it, besides addresses and ``localhost``.
        token: what one must know to be answered; None for everybody who can reach it.
    """
    site = _Site(sources)
    guard = Middleware(Guard, pages=site.pages, assets=site.assets, names=tuple(names), token=token)
    return Starlette(routes=[*site.routes()], middleware=[guard], exception_handlers={404: site.not_found})


class _Site:
    """Answers requests; each handler runs in a thread of its own."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._ancestries = Ancestries(sources.reader)
        self.pages = Pages()
        folder = files(__package__).joinpath("assets")
        self._files = {name: folder.joinpath(name).read_bytes() for name in _ASSETS}
        # A browser keeps a file for as long as its address is the same.
        self.assets = hashlib.sha256(b"".join(self._files.values())).hexdigest()[:12]

    def routes(self) -> Iterable[Route]:
        """All addresses."""
        both: tuple[
            tuple[str, Callable[[Request], Document], Callable[[Request, Any], tuple[str, dict[str, Any]]]], ...
        ] = (
            ("/", self._overview, lambda request, doc: ("overview.html", {})),
            ("/runs", self._runs, self._runs_page),
            ("/runs/{run_id}", self._run, lambda request, doc: ("run.html", {})),
            ("/datasets", self._datasets, self._datasets_page),
            ("/datasets/{dataset_id}", self._dataset, self._dataset_page),
            ("/lineage", self._lineage, self._lineage_page),
            ("/health", self._health, lambda request, doc: ("health.html", {})),
            ("/search", self._search, lambda request, doc: ("search.html", {"query": doc.query})),
        )
        for path, gather, show in both:
            yield Route(path, self._page(gather, show), methods=["GET"])
            yield Route(f"/api/v1{'/overview' if path == '/' else path}", self._json(gather), methods=["GET"])
        yield Route("/lineage/picture", self._framed, methods=["GET"])
        yield Route("/api/openapi.json", lambda request: JSONResponse(openapi.document()), methods=["GET"])
        yield Route("/assets/{name}", self._asset, methods=["GET"])

    # -- documents

    def _overview(self, request: Request) -> Document:
        with self._sources.reader.reading() as connection:
            return overview(connection, _asked(request).period())

    def _runs(self, request: Request) -> Document:
        asked = _asked(request)
        with self._sources.reader.reading() as connection:
            return runs(connection, asked.runs(), asked.cursor(), _limit(asked))

    def _run(self, request: Request) -> Document:
        skip = _asked(request).number("skip", 0, 10**8)
        with self._sources.reader.reading() as connection:
            return run(connection, request.path_params["run_id"][:100], skip)

    def _datasets(self, request: Request) -> Document:
        asked = _asked(request)
        wanted = DatasetFilter(asked.text("named"), asked.text("layer"), asked.text("owner"))
        with self._sources.reader.reading() as connection:
            skip = asked.number("skip", 0, 10**6)
            return datasets(connection, self._sources.labels, wanted, skip=skip, limit=_limit(asked))

    def _dataset(self, request: Request) -> Document:
        dataset_id = request.path_params["dataset_id"][:100]
        ancestry = self._ancestries.get()
        before = _asked(request).text("before") or None
        with self._sources.reader.reading() as connection:
            found = dataset(connection, dataset_id, self._sources.labels, ancestry, before)
        if found is None:
            raise UnknownError("nothing was ever written to a dataset with this id")
        return found

    def _lineage(self, request: Request) -> Document:
        return self._ancestries.get().document()

    def _health(self, request: Request) -> Document:
        with self._sources.reader.reading() as connection:
            return health(connection, self._sources.outbox)

    def _search(self, request: Request) -> Document:
        with self._sources.reader.reading() as connection:
            return search(connection, _asked(request).text("q"))

    # -- pages

    def _runs_page(self, request: Request, doc: Any) -> tuple[str, dict[str, Any]]:
        asked = _asked(request)
        wanted = asked.runs()
        shown = {
            "job": wanted.job,
            "named": wanted.named,
            "status": wanted.statuses,
            "since": asked.text("since") if wanted.since else None,
            "until": asked.text("until") if wanted.until else None,
            "before": asked.text("before") or None,
        }
        earlier = []
        if wanted.job is not None:
            with self._sources.reader.reading() as connection:
                earlier = history(connection, wanted.job)
        filtered = any(value for value in shown.values())
        return "runs.html", {"asked": shown, "statuses": STATUSES, "history": earlier, "filtered": filtered}

    def _datasets_page(self, request: Request, doc: Any) -> tuple[str, dict[str, Any]]:
        asked = _asked(request)
        shown: dict[str, Any] = {name: asked.text(name) or None for name in ("named", "layer", "owner")}
        return "datasets.html", {"asked": shown | {"skip": asked.number("skip", 0, 10**6) or None}}

    def _dataset_page(self, request: Request, doc: Any) -> tuple[str, dict[str, Any]]:
        return "dataset.html", {"asked": {"before": _asked(request).text("before") or None}}

    def _lineage_page(self, request: Request, doc: Any) -> tuple[str, dict[str, Any]]:
        around = self._around(request, doc.datasets)
        links: list[LineageLink] = doc.links
        if around is not None:
            links = [one for one in links if around in (one.source, one.target)]
        return "lineage.html", {"around": around, "links": links}

    def _around(self, request: Request, known: Iterable[Named]) -> Named | None:
        wanted = _asked(request).text("dataset")
        if not wanted:
            return None
        found = next((one for one in known if one.dataset_id == wanted), None)
        if found is None:
            raise UnknownError("no dataset with this id is part of the lineage")
        return found

    # -- answers

    def _page(
        self, gather: Callable[[Request], Document], show: Callable[[Request, Any], tuple[str, dict[str, Any]]]
    ) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                doc = gather(request)
                template, more = show(request, doc)
                return self._html(request, template, {"doc": doc, **more})
            except Exception as error:  # noqa: BLE001 - a page that says so, whatever it was
                return self._problem_page(request, *_problem(error))

        return answer

    def _json(self, gather: Callable[[Request], Document]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            try:
                return JSONResponse(gather(request).model_dump(mode="json"))
            except Exception as error:  # noqa: BLE001 - as for a page
                problem, status = _problem(error)
                return JSONResponse(problem.model_dump(mode="json"), status)

        return answer

    def _framed(self, request: Request) -> Response:
        """The picture, as a document of its own: only this page may frame it, and only its own script runs."""
        try:
            ancestry = self._ancestries.get()
            around = self._around(request, ancestry.document().datasets)
            name = None if around is None else (around.namespace, around.name)
            text, policy = self._sources.picture(ancestry.lineage, name)
        except Exception as error:  # noqa: BLE001 - as for a page
            return self._problem_page(request, *_problem(error))
        headers = {
            "Content-Security-Policy": f"{policy}; frame-ancestors 'self'; sandbox allow-scripts",
            "X-Frame-Options": "SAMEORIGIN",
        }
        return HTMLResponse(text.encode("utf-8", "replace"), headers=headers)

    def _asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._files:
            return self.not_found(request, None)
        fresh = request.url.query == self.assets
        keep = "public, max-age=31536000, immutable" if fresh else "no-cache"
        return Response(self._files[name], media_type=_ASSETS[name], headers={"Cache-Control": keep})

    def not_found(self, request: Request, _: Any) -> Response:
        """An address that is none."""
        problem, status = _problem(UnknownError("nothing has this address"))
        if request.url.path.startswith("/api/"):
            return JSONResponse(problem.model_dump(mode="json"), status)
        return self._problem_page(request, problem, status)

    def _problem_page(self, request: Request, problem: Problem, status: int) -> Response:
        return self._html(request, "problem.html", {"doc": problem, "title": _TITLES[problem.problem]}, status)

    def _html(self, request: Request, template: str, values: dict[str, Any], status: int = 200) -> Response:
        here = "/" + request.url.path.strip("/").partition("/")[0]
        return HTMLResponse(
            self.pages.render(template, {"here": here, "assets": self.assets, "query": "", **values}), status
        )


def _asked(request: Request) -> Asked:
    return Asked(request.query_params, request.query_params.getlist("status"))


def _limit(asked: Asked) -> int:
    return max(1, asked.number("limit", _LIMIT, _MOST_LIMIT))


def _problem(error: Exception) -> tuple[Problem, int]:
    """What a person is told: never an unknown error's own words, which may hold anything."""
    if isinstance(error, UnreadyStoreError):
        return Problem(problem=error.state, what=error.what, cure=error.cure), 503
    if isinstance(error, (UnknownError, UnknownRunError)):
        return Problem(problem="unknown", what=str(error), cure="go back to the overview, or search"), 404
    _logger.error("a page failed", exc_info=error)
    if isinstance(error, HooklineError):
        return Problem(problem="failed", what=str(error), cure="correct that and load the page again"), 500
    kind = type(error).__name__
    return Problem(problem="failed", what=f"an unexpected {kind}", cure="look into the log of `hookline ui`"), 500
