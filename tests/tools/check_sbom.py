"""Checks bills of materials with the tools of their formats.

    check_sbom.py cyclonedx|spdx FILE

CycloneDX: the official JSON schema 1.6 (as cyclonedx-python-lib ships it). SPDX: spdx-tools reads it back and validates
the document. Package URLs: packageurl-python. Prints the number of packages, or the first mistake (exit 1).
"""
import json, pathlib, sys

kind, path = sys.argv[1:]
document = json.loads(pathlib.Path(path).read_text())
problems = []
if kind == "cyclonedx":
    import cyclonedx, jsonschema, referencing, referencing.jsonschema
    schemas = pathlib.Path(cyclonedx.__file__).parent / "schema/_res"
    load = lambda name: json.loads((schemas / name).read_text())
    registry = referencing.Registry()
    for name, uri in (("spdx.SNAPSHOT.schema.json", "spdx"), ("jsf-0.82.SNAPSHOT.schema.json", "jsf-0.82")):
        resource = referencing.Resource.from_contents(load(name), default_specification=referencing.jsonschema.DRAFT7)
        registry = registry.with_resources([(f"http://cyclonedx.org/schema/{end}", resource)
                                            for end in (name, f"{uri}.schema.json", f"{uri}.SNAPSHOT.schema.json")])
    validator = jsonschema.Draft7Validator(load("bom-1.6.SNAPSHOT.schema.json"), registry=registry)
    problems = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(document)]
    purls = [component["purl"] for component in document["components"]]
    references = [component["bom-ref"] for component in document["components"]]
    if len(references) != len(set(references)):
        problems.append("two components have one bom-ref")
else:
    from spdx_tools.spdx.parser.json import json_parser
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
    parsed = json_parser.parse_from_file(path)
    problems = [f"{message.context.spdx_id}: {message.validation_message}" for message in validate_full_spdx_document(parsed)]
    purls = [reference["referenceLocator"] for package in document["packages"] for reference in package.get("externalRefs", [])]
from packageurl import PackageURL
for purl in purls:
    try:
        if PackageURL.from_string(purl).type not in ("pypi", "conda", "generic"):
            problems.append(f"{purl}: another type")
    except ValueError as error:
        problems.append(f"{purl}: {error}")
print(f"{len(purls)} packages")
for problem in problems:
    print("  WRONG:", problem)
sys.exit(bool(problems))
