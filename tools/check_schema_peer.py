#!/usr/bin/env python3
"""What the grammars of JSON schemas write, by another validator: random sentences of the schemas of
jsonschemabench, each checked by Python's jsonschema with format checks.

    ONDOL_SENTENCES=sentences.jsonl ondol_text_data_test --gtest_filter='*RandomSentencesAreJson'
    python3 tools/check_schema_peer.py sentences.jsonl $ONDOL_DATA/jsonschemabench/dev.jsonl

Fails and shows the sentence where one does not satisfy its schema. Measured with jsonschema 4.26.0.
"""
import json
import sys

import jsonschema


def main():
    sentences, schemas = sys.argv[1:]
    with open(schemas, encoding="utf-8") as rows:
        by_id = {row["id"]: row["schema"] for row in map(json.loads, rows)}
    validators, checked, wrong = {}, 0, 0
    with open(sentences, encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            name = row["id"]
            if name not in validators:
                kind = jsonschema.validators.validator_for(by_id[name], default=jsonschema.Draft202012Validator)
                validators[name] = kind(by_id[name], format_checker=kind.FORMAT_CHECKER)
            checked += 1
            error = next(validators[name].iter_errors(json.loads(row["text"])), None)
            if error is not None:
                wrong += 1
                print(f"{name}: {row['text']}\n  {error.message}")
    print(f"{checked} sentences of {len(validators)} schemas, {wrong} do not satisfy theirs")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
