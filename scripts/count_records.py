#!/usr/bin/env python3
"""Counts CloudTrail records with Python's own json, for the test that compares the decoder.

It shares nothing with the decoder: every document is read whole and parsed whole.

    count_records.py FOLDER

prints {"files": {path: {...}}, "embedded": [...], "renamed": [...]}. Definitions:

document   a file's bytes, inflated when they begin with 1f 8b, parsed as one JSON value
shape      "records" (an object whose "Records" is a list), "list" (a list at the top),
           "object" (another object), "scalar", "not_json", "empty" or "broken_gzip"
records    the elements of that list, whatever they are; 0 for other shapes
s3_data_events  records whose eventSource is one of S3's and whose eventCategory is "Data", or,
           where an old record has no category, whose managementEvent is false
deletes    records whose eventSource is one of S3's, by eventName DeleteObject or DeleteObjects
embedded   S3 deletes that stand elsewhere: in code blocks of Markdown, in Python or YAML, in JSON
           that is no log file, in strings of any of these. Samples "shortened for readability"
           miss a comma at the end of a line, which is put back, and an eventTime, which is set.
renamed    all s3_data_events, with DeleteObject as their eventName where they name a key, else
           DeleteObjects: what real callers, accounts, keys and parameters would look like in the
           records of deletes
"""

import gzip
import json
import pathlib
import re
import sys
import zlib

S3 = re.compile(r"^s3(express|-outposts)?\.amazonaws\.com(\.cn)?$")
DELETES = ("DeleteObject", "DeleteObjects")
MISSING_COMMA = re.compile(r'(["\]}\w])([ \t]*\n[ \t]*")')


def is_s3(record):
    return isinstance(record, dict) and bool(S3.match(str(record.get("eventSource"))))


def is_s3_delete(record):
    return is_s3(record) and record.get("eventName") in DELETES


def is_s3_data_event(record):
    if not is_s3(record):
        return False
    if "eventCategory" in record:
        return record["eventCategory"] == "Data"
    return record.get("managementEvent") is False


def parameters_of(record):
    return record.get("requestParameters") or {}


def as_delete(record):
    return {**record, "eventName": DELETES[not parameters_of(record).get("key")]}


def parse(text):
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def document_of(content):
    """The shape of a file's content, its records, and the parsed value."""
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return "broken_gzip", [], None
    if not content:
        return "empty", [], None
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return "not_json", [], None
    if isinstance(value, dict):
        if isinstance(value.get("Records"), list):
            return "records", value["Records"], value
        return "object", [], value
    if isinstance(value, list):
        return "list", value, value
    return "scalar", [], value


def embedded_in(value):
    """S3 deletes anywhere inside a parsed value, in strings that hold JSON too."""
    if is_s3_delete(value):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from embedded_in(member)
    elif isinstance(value, list):
        for element in value:
            yield from embedded_in(element)
    elif isinstance(value, str) and "DeleteObject" in value:
        parsed = parse(value)
        if isinstance(parsed, (dict, list)):
            yield from embedded_in(parsed)


def embedded_in_text(text):
    """S3 deletes in fenced code blocks, or else wherever a JSON object begins."""
    decoder = json.JSONDecoder()
    blocks = re.findall(r"```[^\n]*\n(.*?)```", text, re.DOTALL) or [text]
    for block in (MISSING_COMMA.sub(r"\1,\2", block) for block in blocks):
        at = block.find("{")
        while at >= 0:
            try:
                value, at_end = decoder.raw_decode(block, at)
                yield from embedded_in(value)
            except ValueError:
                at_end = at + 1
            at = block.find("{", at_end)


def main(folder):
    files, embedded, renamed = {}, [], []
    for path in sorted(pathlib.Path(folder).rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        shape, records, value = document_of(content)
        files[path.relative_to(folder).as_posix()] = {
            "shape": shape,
            "records": len(records),
            "s3_data_events": sum(map(is_s3_data_event, records)),
            "deletes": {
                name: sum(is_s3_delete(r) and r["eventName"] == name for r in records)
                for name in DELETES
            },
        }
        renamed.extend(as_delete(record) for record in records if is_s3_data_event(record))
        if shape == "not_json" and b"DeleteObject" in content:
            embedded.extend(embedded_in_text(content.decode("utf-8", "replace")))
        elif not any(map(is_s3_delete, records)):
            embedded.extend(embedded_in(value))
    for record in embedded:
        record.setdefault("eventTime", "2026-01-01T00:00:00Z")
    json.dump({"files": files, "embedded": embedded, "renamed": renamed}, sys.stdout)


main(sys.argv[1])
