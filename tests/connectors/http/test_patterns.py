"""Path patterns: what they match, and which pairs of them are a mistake."""

from __future__ import annotations

import pytest

from octo.connectors.http import Http, Route
from octo.connectors.http.patterns import BadPattern, Pattern, Relation, relation
from octo.connectors.http.routes import Routes


class Target:
    def __init__(self, path, methods=None, name=""):
        self.pattern = Pattern.parse(path)
        self.methods = None if methods is None else frozenset(methods)
        self.name = name or path

    def __repr__(self):
        return self.name


def find(path, *patterns, method="GET"):
    routes = Routes()
    for each in patterns:
        routes.add(Target(each) if isinstance(each, str) else each)
    found = routes.find(path, method)
    return found and (found[0].name, dict(zip(found[0].pattern.names, found[1], strict=False)))


@pytest.mark.parametrize(
    ("path", "patterns", "expected"),
    [
        ("/a", ["/a"], ("/a", {})),
        ("/a/", ["/a"], None),
        ("/orders/7", ["/orders/{id}"], ("/orders/{id}", {"id": "7"})),
        ("/orders/", ["/orders/{id}"], None),
        ("/orders/7/lines", ["/orders/{id}"], None),
        ("/orders/7/lines/2", ["/orders/{id}/lines/{n}"], ("/orders/{id}/lines/{n}", {"id": "7", "n": "2"})),
        ("/files/a/b", ["/files/{path...}"], ("/files/{path...}", {"path": "a/b"})),
        ("/files/", ["/files/{path...}"], ("/files/{path...}", {"path": ""})),
        ("/files", ["/files/{path...}"], None),
        ("/static/x/y", ["/static/"], ("/static/", {})),
        ("/anything", ["/"], ("/", {})),
        ("/", ["/"], ("/", {})),
        ("/", ["/{$}"], ("/{$}", {})),
        ("/x", ["/{$}"], None),
        ("/a/", ["/a/{$}", "/a/"], ("/a/{$}", {})),
        ("/a/b", ["/a/{$}", "/a/"], ("/a/", {})),
        ("/orders/special", ["/orders/{id}", "/orders/special"], ("/orders/special", {})),
        ("/orders/7", ["/orders/{id}", "/orders/special"], ("/orders/{id}", {"id": "7"})),
        ("/orders/7", ["/", "/orders/", "/orders/{id}"], ("/orders/{id}", {"id": "7"})),
        ("/orders/7/x", ["/", "/orders/", "/orders/{id}"], ("/orders/", {})),
        ("/b/x", ["/a/x", "/{y}/x"], ("/{y}/x", {"y": "b"})),
        # The closest literal leads nowhere here: the walk must come back to the wildcard.
        ("/a/c", ["/a/b", "/{x}/c"], ("/{x}/c", {"x": "a"})),
        ("/caf\u00e9", ["/caf%C3%A9"], ("/caf%C3%A9", {})),
    ],
)
def test_the_most_specific_pattern_serves(path, patterns, expected):
    """The rules of Go's ServeMux."""
    assert find(path, *patterns) == expected
    assert find(path, *reversed(patterns)) == expected


def test_a_route_that_names_the_method_beats_one_that_names_none():
    """Two flows may share a path: one for GET, one for the rest."""
    both = [Target("/x", ["GET"], "get"), Target("/x", None, "rest")]

    assert find("/x", *both, method="GET") == ("get", {})
    assert find("/x", *both, method="HEAD") == ("get", {})
    assert find("/x", *both, method="POST") == ("rest", {})


def test_a_less_specific_pattern_serves_a_method_that_the_closest_does_not():
    """Only patterns that serve the method are compared."""
    both = [Target("/x/special", ["GET"]), Target("/x/{id}", ["POST"])]

    assert find("/x/special", *both, method="POST") == ("/x/{id}", {"id": "special"})


def test_the_newest_registration_wins_and_the_older_one_returns():
    """Two generations may hold the same path while one replaces the other."""
    routes = Routes()
    old, new = Target("/x", ["GET"], "old"), Target("/x", ["GET"], "new")
    routes.add(old)
    routes.add(new)
    assert routes.find("/x", "GET")[0] is new

    routes.remove(new)
    assert routes.find("/x", "GET")[0] is old

    routes.remove(old)
    assert routes.find("/x", "GET") is None
    assert len(routes) == 0


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("orders", "starts with a slash"),
        ("/a//b", "empty segment"),
        ("/a/{id", "whole segment"),
        ("/a/x{id}", "whole segment"),
        ("/a/{}", "letters, digits"),
        ("/a/{1x}", "letters, digits"),
        ("/{a...}/b", "at the end"),
        ("/{$}/b", "at the end"),
        ("/{a}/{a}", "twice"),
        ("/../etc", "matches nothing"),
        ("/a?b=1", "no query"),
    ],
)
def test_what_is_no_pattern_says_why(path, why):
    """A path that could never match, or not as meant, is refused when the flow is built."""
    with pytest.raises(BadPattern, match=why):
        Pattern.parse(path)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("/a", "/a", Relation.EQUAL),
        ("/a", "/b", Relation.DISJOINT),
        ("/a", "/a/", Relation.DISJOINT),
        ("/{x}", "/{y}", Relation.EQUAL),
        ("/a", "/{x}", Relation.WITHIN),
        ("/a/{x}", "/{y}/b", Relation.OVERLAP),
        ("/a/", "/{x}/b", Relation.OVERLAP),
        ("/a/{x}", "/a/", Relation.WITHIN),
        ("/a/{x...}", "/a/", Relation.EQUAL),
        ("/a/{$}", "/a/", Relation.WITHIN),
        ("/a/{$}", "/a/{x}", Relation.DISJOINT),
        ("/", "/a/b/c", Relation.AROUND),
        ("/{x}/b/", "/a/", Relation.OVERLAP),
    ],
)
def test_relations(left, right, expected):
    """Which of two patterns is more specific is known before any request."""
    mirrored = {Relation.WITHIN: Relation.AROUND, Relation.AROUND: Relation.WITHIN}

    assert relation(Pattern.parse(left), Pattern.parse(right)) is expected
    assert relation(Pattern.parse(right), Pattern.parse(left)) is mirrored.get(expected, expected)


def route(path, *methods):
    return Route.model_validate({"path": path, **({"methods": list(methods)} if methods else {})})


@pytest.mark.parametrize(
    "routes",
    [
        [route("/x", "GET"), route("/x", "POST")],
        [route("/x", "GET"), route("/x")],
        [route("/x/special"), route("/x/{id}")],
        [route("/a/{x}", "GET"), route("/{y}/b", "POST")],
        [route("/"), route("/x/")],
    ],
)
def test_routes_that_a_rule_tells_apart_do_not_conflict(routes):
    """Different methods, or one more specific than the other."""
    assert Http.conflicts(routes) == []


@pytest.mark.parametrize(
    ("routes", "why"),
    [
        ([route("/x"), route("/x")], "'/x': two flows serve all methods of the same path"),
        ([route("/x/{a}"), route("/x/{b}")], "'/x/{a}' and '/x/{b}': two flows serve all methods of the same path"),
        ([route("/x", "GET", "POST"), route("/x", "POST")], "'/x': two flows serve POST of the same path"),
        ([route("/a/{x}"), route("/{y}/b")], "'/a/{x}' and '/{y}/b' both match /a/b, and neither is more specific"),
    ],
)
def test_routes_between_which_no_rule_decides_conflict(routes, why):
    """Found when the configuration is checked, not by the first request."""
    assert Http.conflicts([route("/other"), *routes]) == [(1, 2, why)]
