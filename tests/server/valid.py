#!/usr/bin/env python3
"""Holds files against docs/report.schema.json with a validator that is not ours. usage: valid.py SCHEMA FILE..."""
import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
faults = ["%s: %s: %s" % (path, list(fault.absolute_path), fault.message)
          for path in sys.argv[2:] for fault in validator.iter_errors(json.load(open(path)))]
sys.exit("\n".join(faults) if faults else 0)
