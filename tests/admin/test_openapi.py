"""The description of the JSON API: it is sound, it leaves nothing out, and every answer is as it says."""

import asyncio
import json
import re

from hypothesis import HealthCheck, Phase, given, settings

from tests.admin.conftest import TOKEN
from tests.sized import sized

# Generated requests are many; those that change something are tried on their own, in test_acting.
FEW = settings(
    max_examples=sized(5, 50),
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


async def described(desk):
    it = await desk()
    answer, text = await it.ask("GET", "/openapi.json", TOKEN)
    assert answer.status == 200
    return it, json.loads(text)


async def test_every_route_for_machines_is_described(desk):
    it, told = await described(desk)
    routes = [route for route in it.seen["admin"].routes if route.tells != "text/html" and not route.hidden]
    missing = [r.path for r in routes if r.method.lower() not in told["paths"].get(r.path, {})]
    assert missing == []
    for path, methods in told["paths"].items():
        named = set(re.findall(r"\{(\w+)\}", path))
        for operation in methods.values():
            assert {p["name"] for p in operation["parameters"] if p["in"] == "path"} == named, path
            assert operation["summary"]


async def test_answers_are_as_described_whatever_is_asked(desk, dead):
    import schemathesis  # noqa: PLC0415 - quick collection

    it, told = await described(desk)
    schema = schemathesis.openapi.from_dict(told)
    reading = [operation.ok() for operation in schema.get_all_operations() if operation.ok().method.upper() == "GET"]
    assert len(reading) > 15

    def cases(operation):
        found = []

        @FEW
        @given(case=operation.as_strategy())
        def collect(case):
            found.append(case)

        collect()
        return found

    for operation in reading:
        for case in await asyncio.to_thread(cases, operation):
            path = case.formatted_path
            query = [(k, v) for k, vs in (case.query or {}).items() for v in (vs if isinstance(vs, list) else [vs])]
            answer, text = await it.ask("GET", path, TOKEN, params=[(k, str(v)) for k, v in query])
            documented = told["paths"][operation.path]["get"]["responses"]
            assert str(answer.status) in documented or answer.status == 404, (path, query, answer.status, text)
            if answer.status == 200 and answer.content_type == "application/json":
                body = documented["200"]["content"]["application/json"]["schema"]
                assert not [name for name in body.get("required", []) if name not in json.loads(text)]
