"""Stand-ins for the HTTP APIs of vendors: they answer as the documentation of each says, and keep what they were asked.

They are strict: a request that the vendor would refuse is refused.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

from aiohttp import web
from aiohttp.test_utils import TestServer

from octo.vectors.memory import score

KEY = "key-0123456789abcdef"


class Asked(NamedTuple):
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: object


class Fault:
    """What a vendor answers instead, or how it fails to."""

    def __init__(self, status=200, body="", headers=None, how=""):
        self.status, self.body, self.headers, self.how = status, body, headers or {}, how


class Vendor:
    """Routes of one API. A subclass has a method `answer`; `fail` makes the next requests fail before it is asked."""

    url: str

    def __init__(self):
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []

    def fail(self, *faults: Fault) -> None:
        self.faults += faults

    async def handle(self, request: web.Request) -> web.StreamResponse:
        data = await request.read()
        self.asked.append(
            Asked(
                request.method,
                request.raw_path.partition("?")[0],
                [(name, value) for name, value in request.query.items()],
                {name.lower(): value for name, value in request.headers.items()},
                json.loads(data) if data else None,
            )
        )
        if self.faults:
            return await self._failing(request, self.faults.pop(0))
        status, body = self.answer(self.asked[-1])
        return web.json_response(body, status=status)

    async def _failing(self, request, fault):
        if fault.how == "silent":
            await asyncio.Event().wait()
        if fault.how == "reset":
            request.transport.abort()
            return web.Response()
        if fault.how == "cut":
            response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
            await response.prepare(request)
            await response.write(b'{"result": [')
            request.transport.abort()
            return response
        return web.Response(
            status=fault.status, text=fault.body, headers={"Content-Type": "application/json", **fault.headers}
        )

    @asynccontextmanager
    async def served(self):
        app = web.Application(client_max_size=1 << 26)
        app.router.add_route("*", "/{path:.*}", self.handle)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        self.url = f"http://127.0.0.1:{server.port}"
        try:
            yield self
        finally:
            await server.close()


class PineconeStandIn(Vendor):
    """One index `docs`: the control plane and the data plane at one address."""

    def __init__(self, dimension=3, metric="cosine"):
        super().__init__()
        self.dimension, self.metric = dimension, metric
        self.spaces: dict[str, dict[str, dict]] = {}

    def answer(self, asked):
        if asked.headers.get("api-key") != KEY:
            return 401, {"code": 16, "message": f"Invalid API Key {asked.headers.get('api-key')}", "details": []}
        if asked.headers.get("x-pinecone-api-version") != "2025-10":
            return 400, {"code": 3, "message": "unknown version", "details": []}
        return self._routed(asked, asked.body or {}, (asked.body or {}).get("namespace", ""))

    def _routed(self, asked, body, space):  # noqa: PLR0911  a route each
        match asked.method, asked.path:
            case "GET", "/indexes/docs":
                status = {"ready": True, "state": "Ready"}
                told = {"name": "docs", "dimension": self.dimension, "metric": self.metric, "vector_type": "dense"}
                return 200, {**told, "host": self.url, "status": status, "spec": {"serverless": {}}}
            case "GET", path if path.startswith("/indexes/"):
                return 404, {"error": {"code": "NOT_FOUND", "message": "Resource not found"}, "status": 404}
            case "POST", "/vectors/upsert":
                return self._upsert(body, space)
            case "POST", "/query":
                return self._query(body, space)
            case "GET", "/vectors/fetch":
                ids = [value for name, value in asked.query if name == "ids"]
                kept = self.spaces.get(dict(asked.query).get("namespace", ""), {})
                found = {each: kept[each] for each in ids if each in kept}
                return 200, {"vectors": found, "namespace": dict(asked.query)["namespace"], "usage": {"readUnits": 1}}
            case "POST", "/vectors/delete":
                return self._delete(body, space)
        return 404, {"code": 5, "message": "no such path", "details": []}

    def _upsert(self, body, space):
        if body.keys() - {"vectors", "namespace"} or not 1 <= len(body["vectors"]) <= 1000:
            return 400, {"code": 3, "message": "bad upsert", "details": []}
        for each in body["vectors"]:
            values = each["metadata"].values() if "metadata" in each else ()
            if each.keys() - {"id", "values", "metadata", "sparseValues"} or not all(map(_is_kept, values)):
                return 400, {
                    "code": 3,
                    "message": "Metadata value must be a string, number, boolean or list of strings",
                }
            if len(each["values"]) != self.dimension:
                text = f"Vector dimension {len(each['values'])} does not match the dimension of the index"
                return 400, {"code": 3, "message": text, "details": []}
        self.spaces.setdefault(space, {}).update({each["id"]: each for each in body["vectors"]})
        return 200, {"upsertedCount": len(body["vectors"])}

    def _query(self, body, space):
        known = {"namespace", "topK", "filter", "includeValues", "includeMetadata", "vector", "id", "sparseVector"}
        if body.keys() - known or not 1 <= body["topK"] <= 10_000:
            return 400, {"code": 3, "message": "bad query", "details": []}
        found = [each for each in self.spaces.get(space, {}).values() if _meets(each, body.get("filter", {}))]
        scored = sorted(((score(self.metric, body["vector"], each["values"]), each) for each in found), key=_first)
        scored = scored if self.metric == "l2" else scored[::-1]
        matches = []
        for number, each in scored[: body["topK"]]:
            match = {"id": each["id"], "score": number, "values": each["values"] if body.get("includeValues") else []}
            if body.get("includeMetadata") and "metadata" in each:
                match["metadata"] = each["metadata"]
            matches.append(match)
        return 200, {"matches": matches, "namespace": space, "usage": {"readUnits": 1}}

    def _delete(self, body, space):
        if space not in self.spaces:
            return 404, {"code": 5, "message": "Namespace not found", "details": []}
        kept = self.spaces[space]
        if body.get("deleteAll"):
            kept.clear()
        elif "filter" in body:
            for each in [each for each in kept.values() if _meets(each, body["filter"])]:
                del kept[each["id"]]
        else:
            for each in body["ids"]:
                kept.pop(each, None)
        return 200, {}


def _first(pair):
    return pair[0]


def _is_kept(value):
    return isinstance(value, str | bool | int | float) or (
        isinstance(value, list) and all(isinstance(each, str) for each in value)
    )


def _meets(record, written):
    """The language of Pinecone, as far as its documentation goes."""
    metadata = record.get("metadata", {})
    for key, value in written.items():
        if key == "$and":
            if not all(_meets(record, each) for each in value):
                return False
        elif not all(_holds(metadata.get(key), operator, operand) for operator, operand in value.items()):
            return False
    return True


def _holds(found, operator, operand):
    has = found if isinstance(found, list) else [] if found is None else [found]
    same = lambda one, two: one == two and isinstance(one, bool) is isinstance(two, bool)  # noqa: E731
    match operator:
        case "$eq" | "$ne":
            return any(same(each, operand) for each in has) is (operator == "$eq")
        case "$in" | "$nin":
            return any(same(each, value) for each in has for value in operand) is (operator == "$in")
    numbers = [each for each in has if isinstance(each, int | float) and not isinstance(each, bool)]
    compare = {"$gt": "__gt__", "$gte": "__ge__", "$lt": "__lt__", "$lte": "__le__"}[operator]
    return any(getattr(float(each), compare)(float(operand)) for each in numbers)


class QdrantStandIn(Vendor):
    """Collections, and points with one unnamed vector."""

    def __init__(self):
        super().__init__()
        self.collections: dict[str, dict] = {}

    def answer(self, asked):
        if asked.headers.get("api-key") != KEY:
            return 401, {"status": {"error": "Must provide an API key or an Authorization bearer token"}, "time": 0.0}
        _, collections, name, *rest = asked.path.split("/")
        assert collections == "collections"
        if not rest:
            return self._collection(asked, name)
        if name not in self.collections:
            text = f"Not found: Collection `{name}` doesn't exist!"
            return 404, {"status": {"error": text}, "time": 0.0}
        return self._points(asked, self.collections[name], "/".join(rest))

    def _collection(self, asked, name):
        if asked.method == "PUT":
            if name in self.collections:
                return 409, {"status": {"error": f"Wrong input: Collection `{name}` already exists!"}, "time": 0.0}
            assert asked.body["vectors"]["distance"] in ("Cosine", "Euclid", "Dot", "Manhattan")
            self.collections[name] = {"vectors": asked.body["vectors"], "points": {}, "indexes": []}
            return 200, {"result": True, "status": "ok", "time": 0.1}
        if name not in self.collections:
            return 404, {"status": {"error": f"Not found: Collection `{name}` doesn't exist!"}, "time": 0.0}
        params = {"vectors": self.collections[name]["vectors"], "shard_number": 1}
        return 200, {"result": {"status": "green", "config": {"params": params}}, "status": "ok", "time": 0.0}

    def _points(self, asked, collection, path):  # noqa: PLR0911  a route each
        points, vectors = collection["points"], collection["vectors"]
        done = {"result": {"operation_id": 1, "status": "completed"}, "status": "ok", "time": 0.0}
        match asked.method, path:
            case "PUT", "index":
                assert asked.body["field_schema"]["type"] == "keyword"
                collection["indexes"].append(asked.body["field_name"])
                return 200, done
            case "PUT", "points":
                assert dict(asked.query) == {"wait": "true"}
                for each in asked.body["points"]:
                    assert each.keys() <= {"id", "vector", "payload"}
                    UUID(each["id"])
                    if len(each["vector"]) != vectors["size"]:
                        text = f"Wrong input: Vector dimension error: expected dim: {vectors['size']}"
                        return 400, {"status": {"error": text}, "time": 0.0}
                    points[each["id"]] = {**each, "vector": self._kept(vectors, each["vector"])}
                return 200, done
            case "POST", "points":
                found = [points[each] for each in asked.body["ids"] if each in points]
                return 200, {"result": found, "status": "ok", "time": 0.0}
            case "POST", "points/query":
                metric = {"Cosine": "cosine", "Euclid": "l2", "Dot": "dot"}[vectors["distance"]]
                found = [
                    {
                        "id": each["id"],
                        "version": 1,
                        "payload": each["payload"],
                        "score": score(metric, q, each["vector"]),
                    }
                    for q in [asked.body["query"]]
                    for each in points.values()
                    if _passes(each["payload"], asked.body["filter"])
                ]
                found.sort(key=lambda each: each["score"], reverse=metric != "l2")
                return 200, {"result": {"points": found[: asked.body["limit"]]}, "status": "ok", "time": 0.0}
            case "POST", "points/delete":
                assert dict(asked.query) == {"wait": "true"}
                gone = asked.body.get("points") or [
                    each["id"] for each in points.values() if _passes(each["payload"], asked.body["filter"])
                ]
                for each in gone:
                    points.pop(each, None)
                return 200, done
        return 404, {"status": {"error": "no such path"}, "time": 0.0}

    def _kept(self, vectors, vector):
        if vectors["distance"] != "Cosine":
            return vector
        length = sum(each * each for each in vector) ** 0.5
        return [each / length for each in vector]


def _passes(payload, written):
    assert written.keys() <= {"must", "must_not", "should"}
    must = all(_fits(payload, each) for each in written.get("must", []))
    should = not written.get("should") or any(_fits(payload, each) for each in written["should"])
    return must and should and not any(_fits(payload, each) for each in written.get("must_not", []))


def _fits(payload, condition):
    if "key" not in condition:
        return _passes(payload, condition)
    value = payload
    for part in condition["key"].split("."):
        value = value.get(part) if isinstance(value, dict) else None
    has = value if isinstance(value, list) else [] if value is None else [value]
    if "range" in condition:
        limits = condition["range"]
        numbers = [each for each in has if isinstance(each, int | float) and not isinstance(each, bool)]
        compare = {"gt": "__gt__", "gte": "__ge__", "lt": "__lt__", "lte": "__le__"}
        return any(
            all(getattr(float(n), compare[name])(float(limit)) for name, limit in limits.items()) for n in numbers
        )
    wanted = condition["match"]["any"] if "any" in condition["match"] else [condition["match"]["value"]]
    assert all(isinstance(each, str | bool | int) for each in wanted)
    return any(each == value and type(each) is type(value) for each in has for value in wanted)


class TavilyStandIn(Vendor):
    """Finds one page, whatever it is asked."""

    def answer(self, asked):  # noqa: PLR0911  a route each
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return 401, {"detail": {"error": "Unauthorized: missing or invalid API key."}}
        page = {"title": "Octo", "url": "https://octo.test/", "content": "Flows.", "score": 0.9, "raw_content": None}
        match asked.method, asked.path:
            case "POST", "/search":
                known = {"query", "search_depth", "topic", "max_results", "time_range", "include_answer"}
                known |= {"include_raw_content", "include_domains", "exclude_domains"}
                if asked.body.keys() - known or not 0 <= asked.body["max_results"] <= 20:
                    return 400, {"detail": {"error": "Invalid parameters"}}
                return 200, {"query": asked.body["query"], "images": [], "results": [page], "response_time": 0.5}
            case "POST", "/extract":
                found = [{"url": each, "raw_content": "# Octo", "images": []} for each in asked.body["urls"]]
                return 200, {"results": found, "failed_results": [], "response_time": 0.1}
            case "POST", "/crawl":
                found = [{"url": asked.body["url"], "raw_content": "# Octo"}]
                return 200, {"base_url": asked.body["url"], "results": found, "response_time": 0.1}
            case "POST", "/map":
                return 200, {"base_url": asked.body["url"], "results": [asked.body["url"]], "response_time": 0.1}
        return 404, {"detail": "Not Found"}


class BraveStandIn(Vendor):
    """Finds two pages of the web, and no others."""

    def answer(self, asked):
        if asked.headers.get("x-subscription-token") != KEY:
            error = {"id": "1", "status": 422, "code": "SUBSCRIPTION_TOKEN_INVALID", "detail": "The token is invalid"}
            return 422, {"type": "ErrorResponse", "error": error}
        assert (asked.method, asked.path) == ("GET", "/web/search")
        results = [
            {"title": "A &amp; B", "url": "https://a.test/", "description": "It&#x27;s <b>", "type": "search_result"},
            {"title": "B", "url": "https://b.test/", "description": "two"},
        ]
        query = {"original": dict(asked.query)["q"]}
        return 200, {"type": "search", "query": query, "web": {"type": "search", "results": results}}


class SearxngStandIn(Vendor):
    """Finds pages, if it may answer with JSON."""

    def answer(self, asked):
        if dict(asked.query).get("format") != "json":
            return 403, {}
        results = [
            {"title": f"T{n}", "url": f"https://s.test/{n}", "content": f"text {n}", "engine": "x", "score": 9.5 - n}
            for n in range(20)
        ]
        return 200, {"query": dict(asked.query)["q"], "number_of_results": 0, "results": results, "suggestions": []}
