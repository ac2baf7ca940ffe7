"""Phone numbers to compare with `phonenumbers`: every example it has, and strings made of them."""

import random
from collections.abc import Iterator

import phonenumbers
import polars as pl
from phonenumbers import (
    COUNTRY_CODES_FOR_NON_GEO_REGIONS,
    SUPPORTED_REGIONS,
    NumberParseException,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

DEFAULT_REGIONS = ("US", "ID", "GB", "AR", "BR", "IT")
SCHEMA = pl.Schema({"value": pl.String, "region": pl.String})

_SEPARATORS = (" ", "-", ".", "/", "", " - ", "\u00a0", "\u2013", ") (")
_FORMATS = (
    PhoneNumberFormat.E164,
    PhoneNumberFormat.INTERNATIONAL,
    PhoneNumberFormat.NATIONAL,
    PhoneNumberFormat.RFC3966,
)
_TYPES = tuple(t for t in PhoneNumberType.values() if t != PhoneNumberType.UNKNOWN)
_ODD = [
    " ext. ",
    " ext ",
    "x",
    " x",
    "#",
    " #",
    "ext",
    "; ext ",
    ";ext=",
    "~",
    ",,",
    ", ",
    "; ",
    "tel:",
    "p:",
    "Tel ",
    ";isub=1",
    ";phone-context=+1",
    ";phone-context=a.b",
    " (cell)",
    " / ",
    "/x",
    "\\ x",
    "or",
    "+",
    "++",
    "＋",
    "00",
    "011",
    "0011",
    "15",
    " int ",
    " anexo ",
    "  ",
    " доб ",
    "xt12",
    "EXT5",
    "Extension: 7",
    "x 12#",
    "-12#",
    " - 503#",
]
_ALPHABET = (
    "0123456789" * 3 + "+\uff0b -().,/;:#xX*~\t\n\"'=_[]\u00a0\u00ad\u200b\u2010\u2013\u2060\uff0d"
    "\u3000abcEeTtnpo\u0663\uff14\u00b2\u202a%&|\\@\u00e9"
)


def examples() -> list[tuple[str, PhoneNumber]]:
    """Every example number of every region and type, the invalid ones and the regionless."""
    found = []
    for region in sorted(SUPPORTED_REGIONS):
        for kind in _TYPES:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                found.append((region, number))
        invalid = phonenumbers.invalid_example_number(region)
        if invalid is not None:
            found.append((region, invalid))
    for code in sorted(COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        number = phonenumbers.example_number_for_non_geo_entity(code)
        if number is not None:
            found.append(("US", number))
    return found


def written_examples() -> pl.DataFrame:
    """The examples in every format and separator style, in their own and five more regions."""
    values: list[str] = []
    regions: list[str] = []
    for at, (own, number) in enumerate(examples()):
        written = {phonenumbers.format_number(number, form) for form in _FORMATS}
        for caller in DEFAULT_REGIONS[at % 2 :: 2]:
            written.add(phonenumbers.format_out_of_country_calling_number(number, caller))
        national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        abroad = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
        for separator in _SEPARATORS:
            written.add(abroad.replace(" ", separator).replace("-", separator))
            written.add(national.replace(" ", separator).replace("-", separator))
        for value in sorted(written):
            others = (
                DEFAULT_REGIONS if value in (national, abroad) else DEFAULT_REGIONS[at % 5 :][:1]
            )
            for region in {own, *others}:
                values.append(value)
                regions.append(region)
    return pl.DataFrame({"value": values, "region": regions}, schema=SCHEMA).unique(
        maintain_order=True
    )


def generated(rows: int, seed: int) -> pl.DataFrame:
    """Mutated examples, digits of random length and junk, in random regions."""
    chance = random.Random(seed)
    known = examples()
    everywhere = sorted(SUPPORTED_REGIONS)
    odd_regions = [*DEFAULT_REGIONS, "CN", "MX", "JP", "KZ", "GG", "LU", "ZZ", "us", "001", None]

    def one() -> tuple[str, str | None]:
        own, number = chance.choice(known)
        region = own if chance.random() < 0.6 else chance.choice(odd_regions)
        way = chance.random()
        if way < 0.2:
            digits = "".join(chance.choices("0123456789", k=chance.randrange(1, 21)))
            return digits, chance.choice(everywhere)
        if way < 0.3:
            return "".join(chance.choices(_ALPHABET, k=chance.randrange(1, 24))), region
        return _mutated(phonenumbers.format_number(number, chance.choice(_FORMATS)), chance), region

    return pl.DataFrame([one() for _ in range(rows)], schema=SCHEMA, orient="row")


def _mutated(value: str, chance: random.Random) -> str:
    if chance.random() < 0.3:
        value = value.removeprefix("+")
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        at = chance.randrange(len(value) + 1)
        way = chance.randrange(6)
        if way == 0:
            value = value[:at] + chance.choice(_ALPHABET) + value[at:]
        elif way == 1:
            value = value[:at] + value[at + 1 :]
        elif way == 2:
            value = value[:at] + chance.choice("0123456789") + value[at + 1 :]
        elif way == 3:
            tail = str(chance.randrange(10 ** chance.randrange(1, 11)))
            value = value + chance.choice(_ODD) + tail
        elif way == 4:
            value = chance.choice(_ODD) + value
        else:
            value = value + chance.choice(_ODD)
    return value


ORACLE_SCHEMA = pl.Schema(
    {
        "e164": pl.String,
        "extension": pl.String,
        "region": pl.String,
        "kind": pl.String,
        "is_valid": pl.Boolean,
        "error": pl.Int32,
    }
)


def oracle(samples: pl.DataFrame) -> pl.DataFrame:
    """What `phonenumbers` says of each sample."""
    return pl.DataFrame(_answers(samples), schema=ORACLE_SCHEMA, orient="row")


def _answers(samples: pl.DataFrame) -> Iterator[tuple[object, ...]]:
    for value, region in samples.iter_rows():
        try:
            number = phonenumbers.parse(value, region)
        except NumberParseException as error:
            yield None, None, None, None, False, error.error_type
            continue
        yield (
            phonenumbers.format_number(number, PhoneNumberFormat.E164),
            number.extension,
            phonenumbers.region_code_for_number(number),
            PhoneNumberType.to_string(phonenumbers.number_type(number)).lower(),
            phonenumbers.is_valid_number(number),
            None,
        )
