"""Coverage as JSON."""

from __future__ import annotations

from json import loads

from octo.suite.coverage import json


def test_everything_counted_is_there(cover):
    found = loads(json(cover("flows: [{name: f, process: [{type: filter, expr: body > 1}]}]", ("f", 5), ("f", "x"))))

    assert found == {
        "percent": 66.66,
        "covered": 2,
        "total": 3,
        "kinds": {
            "block": {"percent": 100, "covered": 1, "total": 1},
            "branch": {"percent": 100, "covered": 0, "total": 0},
            "error": {"percent": 100, "covered": 0, "total": 0},
            "decision": {"percent": 50, "covered": 1, "total": 2},
        },
        "files": [
            {
                "file": "flows.yaml",
                "flows": [
                    {
                        "flow": "f",
                        "line": 1,
                        "column": 9,
                        "calls": 2,
                        "percent": 66.66,
                        "covered": 2,
                        "total": 3,
                        "kinds": found["kinds"],
                        "items": [
                            {
                                "kind": "block",
                                "address": "f.filter",
                                "text": "filter",
                                "type": "filter",
                                "failed": 1,
                                "file": "flows.yaml",
                                "line": 1,
                                "column": 29,
                                "hits": 2,
                                "outcomes": {"ran": 2},
                                "missed": [],
                            },
                            {
                                "kind": "decision",
                                "address": "f.filter",
                                "text": "body > 1",
                                "file": "flows.yaml",
                                "line": 1,
                                "column": 50,
                                "hits": 1,
                                "outcomes": {"true": 1, "false": 0},
                                "missed": ["false"],
                            },
                        ],
                    }
                ],
            }
        ],
    }
