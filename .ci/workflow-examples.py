"""Writes every workflow in the documentation to a file of its own, so that the linters can read it.

    python3 .ci/workflow-examples.py FOLDER PATH...

A fenced yaml block counts as a workflow when it has both `on:` and `jobs:` at the margin. PATH is a Markdown file or a folder
of them; one that does not exist is passed over.
"""

import pathlib
import re
import sys

BLOCK = re.compile(r"^```ya?ml\n(.*?)^```$", re.MULTILINE | re.DOTALL)

folder = pathlib.Path(sys.argv[1], ".github", "workflows")
folder.mkdir(parents=True, exist_ok=True)

pages = []
for path in map(pathlib.Path, sys.argv[2:]):
    if path.is_dir():
        pages += sorted(path.rglob("*.md"))
    elif path.exists():
        pages.append(path)

count = 0
for page in pages:
    for match in BLOCK.finditer(page.read_text(encoding="utf-8")):
        block = match.group(1)
        if re.search(r"^on:", block, re.MULTILINE) and re.search(r"^jobs:", block, re.MULTILINE):
            count += 1
            name = str(page.with_suffix("")).replace("/", "-").lower()
            (folder / f"{name}-{count}.yml").write_text(block, encoding="utf-8")

print(f"{count} workflow examples in {len(pages)} pages")
