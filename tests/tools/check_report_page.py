"""Checks that the page of an installation shows the contents of its report.json and loads no other file. What only
programs and support need (rule ids, hashes, the exit code) must be in folds, and no page of docs/ may be named.

    check_report_page.py REPORT PAGE
"""
import html, json, re, sys

report = json.load(open(sys.argv[1]))
page = open(sys.argv[2], encoding="utf-8").read()
text = html.unescape(re.sub(r"<[^>]+>", "", page))
for needed in [report["summary"], report["prefix"], report["installer"]["manifest_sha256"], report["activate"], report["created"].replace("T", " ").replace("Z", " UTC"),
               report["preflight"]["gpu"]["driver"], "matmul", "memory, ", "Between GPUs", "host to device"]:
    assert needed in text, needed
for p in report["packages"]:
    assert p["name"] in text and p["version"] in text and (p["sha256"] in text), p
for f in report["preflight"]["findings"]:
    assert f["id"] in text and f["sentence"] in text, f
for s in report["installation"]["stages"]:
    assert s["name"] in text, s
open_text = html.unescape(re.sub(r"<[^>]+>", "", re.sub(r"<style>.*?</style>|<details>.*?</details>", "", page, flags=re.S)))
for folded in [report["installer"]["manifest_sha256"], "exit ", "docs/"] + [p["sha256"] for p in report["packages"] if p["sha256"]]:
    assert folded not in open_text, folded
for f in report["preflight"]["findings"]:
    assert not re.search(rf"\b{f['id']}\b", open_text) or f["id"] in ("gpu", "glibc"), f["id"]
assert "docs/" not in text, "the page names a page that the machine does not have"
assert page.count('class="icon"') == 1 and "<b>" not in page
assert not re.search(r"<script|https?:|src=|@import|url\(", page), "the page refers to something elsewhere"
assert "@media print" in page and "prefers-color-scheme: dark" in page
