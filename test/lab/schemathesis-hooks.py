"""What schemathesis has to know of the API: bodies of lines, and that a tail ends where `until` has come."""

import json

import schemathesis

NOW = "now"


@schemathesis.serializer("application/x-ndjson")
def lines(_context, value):
    """Any text as the message of a line, then as a line of its own, which is mostly none."""
    text = value if isinstance(value, str) else json.dumps(value)
    whole = {"message": text, "service.name": "made-up", "level": "info"}
    return f"{json.dumps(whole)}\n{text}\n".encode("utf-8", "replace")


@schemathesis.hook
def before_load_schema(_context, raw_schema):
    """It holds each event against the schema of an answer, which is that of its text in OpenAPI 3.1."""
    names = ["message", "live", "note", "gap", "annotation", "completeness", "task"]
    properties = {"data": {"type": "string"}, "id": {"type": "string"}, "event": {"enum": names}}
    event = {"type": "object", "required": ["data"], "properties": properties, "additionalProperties": False}
    for operation in raw_schema["paths"]["/api/v1/tail"].values():
        operation["responses"]["200"]["content"]["text/event-stream"]["schema"] = event


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Has every tail end, and of every second question no more be wrong than has to be: most made-up texts are no times."""
    is_tail = case.path.endswith("/tail")
    if not is_tail and not case.path.endswith("/ingest"):
        return
    if len(repr(case.query) + repr(case.body) + repr(case.headers)) % 2 == 0:
        for name in ("last-event-id", "content-encoding"):
            case.headers.pop(name, None)
        for values in (case.query, case.body):
            for name in ("cursor", "since", "q", "timezone", "target") if is_tail and isinstance(values, dict) else ():
                values.pop(name, None)
    if not is_tail:
        return
    if case.method.upper() == "GET":
        case.query = {**(case.query if isinstance(case.query, dict) else {}), "until": NOW}
    else:
        case.body = {**(case.body if isinstance(case.body, dict) else {}), "until": NOW}
