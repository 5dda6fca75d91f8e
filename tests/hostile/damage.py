"""Ways in which a store in a file can be broken, each from a healthy one."""

import random
import sqlite3
from contextlib import closing

HEADER = 100
PAGE = 4096


def cut(size):
    """Cut a file to a size; a share of it below one."""

    def damage(file):
        held = file.read_bytes()
        file.write_bytes(held[: int(len(held) * size) if isinstance(size, float) else size])

    return damage


def noise(seed, *, share=0.05):
    """Write random bytes into some pages; the first one, by which a file is known, is spared."""

    def damage(file):
        chance = random.Random(seed)
        held = bytearray(file.read_bytes())
        for page in range(1, len(held) // PAGE):
            if chance.random() < share:
                size = chance.choice([1, 8, 100, PAGE])
                at = page * PAGE + chance.randrange(PAGE - size + 1)
                held[at : at + size] = chance.randbytes(size)
        file.write_bytes(held)

    return damage


def header(seed):
    """Write random bytes into the header, but for the words by which SQLite knows its files."""

    def damage(file):
        chance = random.Random(seed)
        held = bytearray(file.read_bytes())
        at = chance.randrange(16, HEADER)
        held[at] = chance.randrange(256)
        file.write_bytes(held)

    return damage


def told(*statements):
    """Let another program say something to the database."""

    def damage(file):
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("pragma foreign_keys=off")
            connection.execute("pragma writable_schema=on")
            for statement in statements:
                connection.execute(statement)

    return damage


def tables(file):
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        ).fetchall()
        return {
            name: [row[1] for row in connection.execute(f'pragma table_info("{name}")')]
            for (name,) in found
        }


def views(file):
    with closing(sqlite3.connect(file)) as connection:
        found = connection.execute("select name from sqlite_master where type = 'view'")
        return [name for (name,) in found]
