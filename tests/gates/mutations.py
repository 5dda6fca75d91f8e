"""Bodies of the platform, spoilt by a seeded hand: in their bytes, or in what they say."""

import json
import random

from craftsync.simulator import Platform, Request

# What stands in a body where this stood in the tree, as bare text.
ODD = (
    "NaN", "-Infinity", "Infinity", "1e999", "-0", "-0.0", "1E400", "0.10000000000000000555111512",
    "9" * 400, "-" + "7" * 5000, "1" * 19, "18446744073709551616", "9223372036854775808",
    "null", "true", "false", "[]", "{}", '""', '" "', '"\\u0000"', '"a\\u0000b"', '"\\ud800"',
    '"\\udfff\\ud800"', '"\\ud83d\\ude00"', '"\\u202e\\u001b[2J"', "[" * 150 + "]" * 150,
    "[" * 300 + "]" * 300, '{"a":' * 250 + "1" + "}" * 250, "[" * 100_000,
    '"' + "x" * 300_000 + '"', '{"message":"ok"}', "[[]]", "[null]", '["a",1,{}]',
    '"0000-00-00T00:00:00Z"', '"9999-12-31T23:59:59.999999999Z"', '"2026-02-30T25:61:61Z"',
    '"-2026-01-01"', "1e30", "1767225600", '"../../etc/passwd"', '"a/b?c#d"', '"%2e%2e"',
    '"=cmd|x"', "\"'; drop table execution; --\"", "\x01", "{", "]", ",", "\\", "\ufeff", "1.",
    "+1", "0x10", "'a'", "nul", '"\x07"', '"\\x41"',
)  # fmt: skip


def bodies(world):
    """Return the bodies that a mirror reads, by kind: path and bytes of each."""
    platform = Platform(world)
    token = world.accounts.refresh(world.sdk_token, now_s=0)

    def ask(method, path, query="", body=b""):
        headers = {"authorization": f"Bearer {token}"}
        answer = platform.handle(Request(method, f"/api/v1{path}", query, headers, body))
        assert answer.status == 200, (path, answer)
        return path, answer.body

    truth = world.truth()
    runs = list(truth.executions())
    found = {
        "deployments": [ask("GET", "/deployments")],
        "deployment": [ask("GET", f"/deployments/{each['name']}") for each in truth.deployments()],
        "pipelines": [ask("GET", "/pipelines")],
        "pipeline": [
            ask("GET", f"/pipelines/{each['pipeline_name']}") for each in truth.pipelines()
        ],
        "listing": [
            ask("GET", f"/pipelines/{each['pipeline_name']}/executions")
            for each in truth.pipelines()
        ],
        "detail": [ask("GET", f"/executions/{each.execution_id}") for each in runs],
        "logs": [ask("POST", f"/executions/{each.execution_id}/logs", "", b"{}") for each in runs],
    }
    for kind in ("single-value", "list-values"):
        found[kind] = [
            ask("GET", f"/metrics/{kind}", f"filters%5Bexecution_id%5D={each.execution_id}")
            for each in runs
            if each.metrics
        ]
    return found


def mutated(body, chance):
    """Spoil a body once or a few times."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        body = chance.choice((_in_bytes, _in_tree, _in_tree))(body, chance)
    return body


def _in_bytes(body, chance):
    if not body:
        return b"\xff"
    at = chance.randrange(len(body))
    end = min(at + chance.randrange(1, 60), len(body))
    match chance.randrange(7):
        case 0:
            flipped = body[at] ^ (1 << chance.randrange(8))
            return body[:at] + bytes([flipped]) + body[at + 1 :]
        case 1:
            return body[:at]
        case 2:
            return body[at:]
        case 3:
            return body[:at] + body[end:]
        case 4:
            return body[:end] + body[at:]
        case 5:
            return body[:at] + chance.randbytes(3) + body[at:]
        case _:
            return body[:at] + chance.choice(ODD).encode("utf-8", "surrogatepass") + body[at:]


def _in_tree(body, chance):
    """Put something odd into the place of a value, drop or repeat a key, swap values."""
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return _in_bytes(body, chance)
    places = list(_places(tree))
    if not places:
        return chance.choice(ODD).encode("utf-8", "surrogatepass")
    holder, key = chance.choice(places)
    text, mark = chance.choice(ODD), f"mark-{chance.random()}"
    match chance.randrange(6):
        case 0 | 1 | 2:
            holder[key] = mark
        case 3:
            other, another = chance.choice(places)
            holder[key], other[another] = other[another], holder[key]
        case 4:
            if isinstance(holder, dict):
                holder[mark] = holder[key]
                text = text if text.startswith('"') else f'"{key}"'
            else:
                holder.append(holder[key])
        case _:
            del holder[key]
    try:
        spoilt = json.dumps(tree, separators=(",", ":"))
    except (ValueError, RecursionError):  # swapped into itself
        return _in_bytes(body, chance)
    return spoilt.replace(f'"{mark}"', text).encode("utf-8", "surrogatepass")


def _places(tree):
    stack = [tree]
    while stack:
        holder = stack.pop()
        if isinstance(holder, list | dict):
            for key in range(len(holder)) if isinstance(holder, list) else list(holder):
                yield holder, key
                stack.append(holder[key])


def many(found, seed, count):
    """Give `count` mutated bodies: kind, path, body; the same ones for a seed."""
    chance = random.Random(seed)
    kinds = sorted(found)
    for _ in range(count):
        kind = chance.choice([*kinds, "detail", "detail", "listing", "logs", "logs"])
        path, body = chance.choice(found[kind])
        yield kind, path, mutated(body, chance)
