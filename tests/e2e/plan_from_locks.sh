#!/usr/bin/env bash
# The plan of other tools' locks: missing sizes are asked for; without network they are unknown.
. "$(dirname "$0")/foreign_locks.inc"
plan() { TINDERBOX_CACHE=$work/empty "$tinderbox" build "$@" --base none --plan; }
for specs in pixi.lock conda-lock.yml "explicit.txt pylock.toml" "explicit.txt project/uv.lock"; do
    # shellcheck disable=SC2086 # words
    plan $specs --json >plan.json 2>log || { cat log; fail "--plan: $specs"; }
    "$python" - "$specs" <<'PY' || fail "the plan of $specs"
import json, pathlib, sys
from urllib.parse import unquote
plan = json.load(open("plan.json"))
sizes = {p.name: p.stat().st_size for p in pathlib.Path("www").rglob("*") if p.is_file()}
assert len(plan["packages"]) >= 10
for p in plan["packages"]:
    assert p["size"] == sizes[unquote(p["url"].rsplit("/", 1)[1])], p
    assert p["why"] and p["installed_size"] > 0 and p["installed_size_source"] in ("measured", "directory", "estimated"), p
assert plan["download"] == {"bytes": sum(p["size"] for p in plan["packages"]), "cached": 0, "without_size": 0}, plan["download"]
assert plan["installed"]["bytes"] == sum(p["installed_size"] for p in plan["packages"]) and "driver_floor" in plan and "cuda_major" in plan
assert all(a["size"] for a in plan["lock"]["artifacts"])
PY
done
plan conda-lock.yml --offline >plan.txt 2>log || { cat log; fail "--plan --offline"; }
grep -q 'download  at least 0 B, 13 of unknown size not counted' plan.txt && grep -q '^python .* unknown ' plan.txt || { cat plan.txt; fail "sizes that nobody tells"; }
plan pixi.lock --offline >plan.txt 2>log || { cat log; fail "--plan --offline"; }
grep -q 'download  at least .* MB, 2 of unknown size not counted' plan.txt && ! grep -q '^python .* unknown ' plan.txt || { cat plan.txt; fail "the sizes of a pixi.lock"; }
