"""Write the lowest versions that pyproject.toml allows as constraints, to test against them."""

import re
import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
BOUND = re.compile(r"(?P<name>[\w.-]+)(\[[\w,]+\])?>=(?P<version>[\w.]+)(,.*)?")

for asked in [*PROJECT["dependencies"], *EXTRAS["postgres"], *EXTRAS["frames"]]:
    bound = BOUND.fullmatch(asked)
    if bound is None:
        sys.exit(f"{asked}: no lowest version can be read from it")
    sys.stdout.write(f"{bound['name']}=={bound['version']}\n")
