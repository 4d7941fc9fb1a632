#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Fields as configured, against what tshark decodes of them.

  fields.py records FIELDS EXPECTED	records of all fields that EXPECTED names
  fields.py check FIELDS EXPECTED PDML	is there such a flow, in v9 and in IPFIX?

FIELDS is what `flowctl -j record fields` prints. A line of EXPECTED is
"[collect] WORDS = VALUE"; what can be matched is, unless the line begins with
"collect". A value is a number (also 0x...), a range A..B, an address, a MAC
address, hex:OCTETS, or
ntp:A..B in seconds since 1970. Fields before and behind a line "--" are of different
flows. tshark's PDML says where in a record it found an element
of the template, and which octets stand there: those are compared.
"""
import ipaddress
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

FIELDS_MAX = 40
SECONDS_1900_TO_1970 = 2208988800
UPTIME_IN_IPFIX = {21: 153, 22: 152}


def read_expected(path, fields):
    by_words = {f["words"]: f for f in fields}
    groups = [[]]
    for line in open(path):
        if line.strip() == "--":
            groups.append([])
            continue
        match = re.match(r"\s*(collect )?(.*\S) = (\S+)\s*$", line)
        if not match:
            sys.exit(f"'{line.strip()}' says nothing")
        field = by_words.get(match[2]) or sys.exit(f"'{match[2]}' is no field")
        groups[-1].append((field, field["match"] and not match[1], match[3]))
    return groups


def split(groups):
    return [record for wanted in groups for record in split_group(wanted)]


def split_group(wanted):
    """Lists of fields that one record can have: each element once, no counter as that of output too."""
    records = []
    for field, matched, value in wanted:
        for record in records:
            if len(record) < FIELDS_MAX and record[0][0]["output-only"] == field["output-only"] and all(
                    other["name"] != field["name"] for other, _, _ in record):
                break
        else:
            record = []
            records.append(record)
        record.append((field, matched, value))
    for record in records:
        record.sort(key=lambda f: not f[1])
    return records


def print_records(records):
    for i, record in enumerate(records):
        families = {field["family"] for field, _, _ in record} - {"any"}
        print(f"! F{i} takes {' '.join(families) or 'any'}")
        print(f"flow record F{i}")
        if not record[0][1]:
            print(" match flow observation point")
        for field, matched, _ in record:
            print(f" {'match' if matched else 'collect'} {field['words']}")


def octets_of(text, length):
    """Lowest and highest octets that @text stands for."""
    if text.startswith("hex:"):
        return (bytes.fromhex(text[4:]),) * 2
    if re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", text):
        return (bytes.fromhex(text.replace(":", "")),) * 2
    if re.fullmatch(r"[0-9.]+\.[0-9]+|[0-9a-f:]*:[0-9a-f:]*", text) and ".." not in text:
        return (ipaddress.ip_address(text).packed,) * 2
    if text.startswith("ntp:"):
        return tuple((int(end) + SECONDS_1900_TO_1970 << 32).to_bytes(8, "big")
                     for end in text[4:].split(".."))
    ends = [int(end, 0) for end in text.split("..")]
    return ends[0].to_bytes(length, "big"), ends[-1].to_bytes(length, "big")


def number(field, *names):
    for item in field.iter("field"):
        if item.get("name") in names:
            return int(item.get("show"), 0)
    return None


def template_elements(template):
    """[(enterprise or 0, number, length)] of a template's item."""
    elements = []
    for item in template.findall("field"):
        kind = number(item, "cflow.template_field_type", "cflow.template_ipfix_field_type")
        own = number(item, "cflow.template_ipfix_field_type_enterprise")
        length = number(item, "cflow.template_field_length")
        if length is not None:
            elements.append((number(item, "cflow.template_ipfix_field_pen") or 0,
                             own if own is not None else kind, length))
    return elements


def octets_at(places, at, length):
    """Some elements are shown in parts: type and code, engine and selector."""
    if (at, length) in places:
        return bytes.fromhex(places[at, length])
    for part in range(1, length):
        if (at, part) in places:
            rest = octets_at(places, at + part, length - part)
            return rest and bytes.fromhex(places[at, part]) + rest
    return None


def octets_found(flow, elements):
    """What tshark found of each element of a data record; None: nothing at that place."""
    places = {}
    for item in flow.iter("field"):
        octets = item.get("unmaskedvalue") or item.get("value")
        if octets and int(item.get("size")):
            places.setdefault((int(item.get("pos")), int(item.get("size"))), octets)
    at = int(flow.get("pos"))
    found = []
    for _, _, length in elements:
        found.append(octets_at(places, at, length))
        at += length
    return found


def data_records(path):
    """(version, elements, octets) of each data record."""
    templates = {}
    for _, packet in ElementTree.iterparse(path):
        if packet.tag != "packet":
            continue
        for message in packet.findall("proto[@name='cflow']"):
            version = number(message, "cflow.version")
            for item in message.iter("field"):
                shown = item.get("show") or ""
                template = re.match(r"Template \(Id = (\d+)", shown)
                if template:
                    templates[version, int(template[1])] = template_elements(item)
                data = re.match(r"FlowSet \d+ \[id=(\d+)\]|Set \d+ \[id=(\d+)\]", shown)
                elements = data and templates.get((version, int(data[1] or data[2])))
                if not elements:
                    continue
                for flow in item.findall("field"):
                    if re.match(r"Flow \d+", flow.get("show") or ""):
                        yield version, elements, octets_found(flow, elements)
        packet.clear()


def element_of(field, version):
    if version == 9:
        return 0, field["v9"]
    return field["enterprise"], UPTIME_IN_IPFIX.get(field["element"], field["element"])


def octets_of_field(field, version):
    return 8 if version == 10 and field["element"] in UPTIME_IN_IPFIX else field["octets"]


def differences(record, elements, found, version):
    said = dict(zip([(e[0], e[1]) for e in elements], found))
    wrong = []
    for field, _, value in record:
        octets = said.get(element_of(field, version))
        if octets is None:
            wrong.append(f"{field['words']}: tshark shows nothing")
            continue
        if field["element"] in UPTIME_IN_IPFIX and version == 10:
            continue
        low, high = octets_of(value, len(octets))
        if not (len(low) == len(octets) and low <= octets <= high):
            wrong.append(f"{field['words']}: {octets.hex()}, not {value}")
    return wrong


def check(records, path):
    flows = list(data_records(path))
    failed = 0
    for version in 9, 10:
        for i, record in enumerate(records):
            wanted = sorted((*element_of(field, version), octets_of_field(field, version))
                            for field, _, _ in record)
            if not record[0][1]:
                wanted = sorted(wanted + [(0, 138, 8)])
            closest = None
            for of_version, elements, found in flows:
                if of_version != version or wanted != sorted(elements):
                    continue
                wrong = differences(record, elements, found, version)
                if closest is None or len(wrong) < len(closest):
                    closest = wrong
            if closest is None:
                closest = ["no data record of it"]
            for text in closest:
                print(f"version {version}, record F{i}: {text}")
            failed += bool(closest)
    return failed


def main():
    fields = json.load(open(sys.argv[2]))
    records = split(read_expected(sys.argv[3], fields))
    if sys.argv[1] == "records":
        print_records(records)
        return 0
    return 1 if check(records, sys.argv[4]) else 0


sys.exit(main())
