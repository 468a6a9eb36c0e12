"""Checks that the page of an installation shows the contents of its report.json and loads no other file.

    check_report_page.py REPORT PAGE
"""
import html, json, re, sys

report = json.load(open(sys.argv[1]))
page = open(sys.argv[2], encoding="utf-8").read()
text = html.unescape(re.sub(r"<[^>]+>", "", page))
for needed in [report["summary"], report["prefix"], report["installer"]["manifest_sha256"], report["activate"], report["created"],
               report["preflight"]["gpu"]["driver"], "matmul", "memory, ", "Between GPUs", "host to device"]:
    assert needed in text, needed
for p in report["packages"]:
    assert p["name"] in text and p["version"] in text and (p["sha256"] in text), p
for f in report["preflight"]["findings"]:
    assert f["id"] in text and f["sentence"] in text, f
for s in report["installation"]["stages"]:
    assert s["name"] in text, s
assert not re.search(r"<script|https?:|src=|@import|url\(", page), "the page refers to something elsewhere"
assert "@media print" in page and "prefers-color-scheme: dark" in page
