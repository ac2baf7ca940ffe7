"""Which names contradict: what two names say of whether they can be one person's."""

from functools import cache

import polars as pl
from nicknames import name_triplets

from transforms.folding import fold
from transforms.relations import Work, ask_value, execute, run

_GENERATIONS = {
    **dict.fromkeys(("jr", "jnr", "junior"), "jr"),
    **dict.fromkeys(("sr", "snr", "senior"), "sr"),
    **dict.fromkeys(("ii", "2nd"), "ii"),
    **dict.fromkeys(("iii", "3rd"), "iii"),
    **dict.fromkeys(("iv", "4th"), "iv"),
    **dict.fromkeys(("v", "5th"), "v"),
}


# The library knows English names. These are common Spanish ones, and who goes by an English name
# on American lists; from memory.
_SPANISH = (
    ("alejandro", "alex"), ("alejandro", "ale"), ("alexander", "sasha"), ("antonio", "tono"),
    ("dolores", "lola"), ("eduardo", "lalo"), ("enrique", "kike"), ("enrique", "quique"),
    ("francisco", "paco"), ("francisco", "pancho"), ("francisco", "frank"), ("guadalupe", "lupe"),
    ("guadalupe", "lupita"), ("guillermo", "memo"), ("guillermo", "william"), ("ignacio", "nacho"),
    ("isabel", "chabela"), ("jesus", "chuy"), ("jose", "pepe"), ("jose", "joe"), ("juan", "john"),
    ("manuel", "manolo"), ("manuel", "manny"), ("maria", "mari"), ("miguel", "mike"),
    ("miguel", "michael"), ("pedro", "peter"), ("rafael", "rafa"), ("ricardo", "rick"),
    ("roberto", "beto"), ("roberto", "bob"), ("rosario", "chayo"), ("santiago", "chago"),
)  # fmt: skip


def key_names(names: pl.DataFrame) -> pl.DataFrame:
    """Names in the form in which they are compared.

    Args:
        names: Text columns ``first_name, last_name, full_name, suffix``; null allowed.

    Returns:
        Row for row, null where nothing is said:

        - ``first_key, last_key``: folded. A full name counts only where there is neither, as a last
          name: nobody knows which of its words is the first name.
        - ``suffix_key``: the generation (``jr``, ``sr``, ``ii`` to ``v``). Degrees say nothing of
          who somebody is, and are null.
    """
    folded = names.select(
        fold(pl.col(name).cast(pl.String))
        for name in ("first_name", "last_name", "full_name", "suffix")
    )
    whole = pl.when(pl.col("first_name").is_null()).then("full_name")
    # Several suffixes stand in one cell, the generation first (transforms.names).
    generation = pl.col("suffix").str.extract(r"^([^ ]+)")
    return folded.select(
        first_key="first_name",
        last_key=pl.coalesce("last_name", whole),
        suffix_key=generation.replace_strict(_GENERATIONS, default=None, return_dtype=pl.String),
    )


def load_nicknames(work: Work) -> None:
    """Make what comparing names needs: ``nicknames(one, other)``, both ways, and the macros."""
    work.register("known_nicknames", _nicknames())
    work.execute("create or replace table nicknames as from known_nicknames").fetchall()
    work.unregister("known_nicknames")
    # The macros name the table `names`, which holds those of the batch.
    execute(
        work,
        "create table if not exists names"
        " (name_no bigint, first_key varchar, last_key varchar, suffix_key varchar)",
    )
    run(work, "likeness_macros")


@cache
def _nicknames() -> pl.DataFrame:
    """Pairs of names that one person goes by, as ``one`` and ``other``, both ways, folded."""
    triplets = name_triplets()
    formal = pl.DataFrame(
        [(each.name1, each.name2) for each in triplets] + list(_SPANISH),
        ["one", "other"],
        orient="row",
    ).select(fold(pl.all()))
    # Liz and Beth are both Elizabeth.
    siblings = formal.join(formal, on="one").select(one="other", other="other_right")
    both = pl.concat([formal, formal.select(one="other", other="one"), siblings])
    return both.filter(pl.col("one") != pl.col("other")).unique().sort("one", "other")


def contradict_names(work: Work, likeness: float) -> None:
    """Find the pairs of names that cannot be one person's.

    Reads ``name_pairs(left_no, right_no)``, ``names`` and ``nicknames``. Makes
    ``contradictions(left_no, right_no, guard)``: ``suffix`` where the generations differ, else
    ``name``, where the first names do. Pairs that can be one person are not in it.
    """
    run(work, "contradict_names", likeness=likeness)


def count_people(work: Work, likeness: float, limit: int) -> None:
    """Count how many people state a value, by their names, up to one more than the limit.

    People are names of which each contradicts all others: by generation, first or last name.
    They are taken greedily, the fullest name first, so that ``Ann`` is a person of her own only
    where no ``Ann Smith`` is.

    Reads ``value_names(value_no, name_no)``, ``names`` and ``nicknames``. Makes
    ``value_people(value_no, people)``, with a row for each value. A value of 100,000 names costs
    ``limit + 1`` passes over them.
    """
    run(work, "begin_value_people")
    run(work, "begin_uncounted")
    run(work, "count_person")
    for _ in range(limit):
        run(work, "leave_people", likeness=likeness)
        if ask_value(work, "select count(*) from uncounted") == 0:
            break
        run(work, "count_person")
    execute(work, "drop table uncounted")
