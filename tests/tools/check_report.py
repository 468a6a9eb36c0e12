"""Validates a report against the published schema. A member that the schema does not name is an error.

    check_report.py SCHEMA REPORT
"""
import json, sys

import jsonschema

schema, report = (json.load(open(path)) for path in sys.argv[1:])
jsonschema.Draft202012Validator.check_schema(schema)


def closed(node):  # every member must be in the schema: others would be undocumented
    if isinstance(node, dict):
        if "properties" in node:
            node.setdefault("additionalProperties", False)
        for value in node.values():
            closed(value)
    elif isinstance(node, list):
        for value in node:
            closed(value)


closed(schema)
errors = list(jsonschema.Draft202012Validator(schema).iter_errors(report))
for e in errors:
    print("/".join(map(str, e.path)), e.message[:300])
sys.exit(bool(errors))
