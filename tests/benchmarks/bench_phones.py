"""How much faster a column of phone numbers is than `phonenumbers` row by row.

    python -m tests.benchmarks.bench_phones [ROWS]

Both run in this process on one core: the script starts itself again with POLARS_MAX_THREADS=1.
"""

import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberFormat, PhoneNumberType

COUNTRIES = {"US": 40, "ID": 20, "GB": 15, "BR": 15, "DE": 10}
"""Regions of the sample mix, with their shares in percent."""

SHAPES = {
    "e164": 30,
    "national": 24,
    "international": 12,
    "digits": 14,
    "code_digits": 5,
    "dashes": 5,
    "dots": 3,
    "extension": 2,
    "prefix": 1,
    "no_break": 1,
    "decimal": 1,
    "label": 0.5,
    "two": 0.5,
    "placeholder": 0.5,
    "junk": 0.5,
}
"""How the numbers of the sample mix are written, in percent."""

_PREFIXES, _FREE_DIGITS = 200, 5


def sample_mix(rows: int, seed: int = 1) -> pl.DataFrame:
    """Distinct numbers of five countries as CRMs and lists write them: `value`, `region`.

    Numbers are random digits behind prefixes that the library calls valid, so nearly all are.
    """
    chance = random.Random(seed)
    templates = {region: list(_templates(region, chance)) for region in COUNTRIES}
    regions = chance.choices(list(COUNTRIES), weights=list(COUNTRIES.values()), k=rows)
    shapes = chance.choices(list(SHAPES), weights=list(SHAPES.values()), k=rows)
    seen: set[tuple[str, int, int]] = set()
    values = []
    for region, shape in zip(regions, shapes, strict=True):
        while True:
            at, tail = chance.randrange(_PREFIXES), chance.randrange(10**_FREE_DIGITS)
            if (region, at, tail) not in seen:
                break
        seen.add((region, at, tail))
        values.append(_written(templates[region][at], shape, f"{tail:0{_FREE_DIGITS}d}"))
    return pl.DataFrame({"value": values, "region": regions})


def _templates(region: str, chance: random.Random) -> Iterator[dict[str, str]]:
    """Ways to write random valid numbers of a region, the last digits left as `_`."""
    kinds = [PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE]
    found = 0
    while found < _PREFIXES:
        example = phonenumbers.example_number_for_type(region, chance.choice(kinds))
        assert example is not None
        digits = list(phonenumbers.national_significant_number(example))
        for place in range(1, len(digits)):
            digits[place] = chance.choice("0123456789") if chance.random() < 0.6 else digits[place]
        number = phonenumbers.parse(f"+{example.country_code}{''.join(digits)}")
        if not phonenumbers.is_valid_number(number):
            continue
        found += 1
        e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        abroad = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
        bare = "".join(character for character in national if character.isdigit())
        yield {
            "e164": _open(e164),
            "national": _open(national),
            "international": _open(abroad),
            "digits": _open(bare),
            "code_digits": _open(e164[1:]),
            "dashes": _open(abroad.replace(" ", "-")),
            "dots": _open(abroad.replace(" ", ".")),
        }


def _open(text: str) -> str:
    """Replace the last digits by `_`."""
    left = _FREE_DIGITS
    written = []
    for character in reversed(text):
        is_open = character.isdigit() and left > 0
        written.append("_" if is_open else character)
        left -= is_open
    return "".join(reversed(written))


def _written(template: dict[str, str], shape: str, tail: str) -> str:
    def fill(name: str) -> str:
        digits = iter(tail)
        return "".join(next(digits) if c == "_" else c for c in template[name])

    match shape:
        case "extension":
            return f"{fill('national')} x{tail[:3]}"
        case "prefix":
            return f"p:{fill('e164')}"
        case "no_break":
            return fill("international").replace(" ", "\u00a0")
        case "decimal":
            return f"{fill('code_digits')}.0"
        case "label":
            return f"{fill('national')} (work)"
        case "two":
            return f"{fill('e164')} / {fill('e164')[:-1]}{9 - int(tail[-1])}"
        case "placeholder":
            return "0000000000"
        case "junk":
            return f"n/a {tail}"
        case _:
            return fill(shape)


def _ask_in_full(value: str, region: str) -> None:
    """The columns of the result, as a caller of the library gets them."""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return
    phonenumbers.is_valid_number(number)
    phonenumbers.format_number(number, PhoneNumberFormat.E164)
    phonenumbers.number_type(number)
    phonenumbers.region_code_for_number(number)


def _ask_in_short(value: str, region: str) -> None:
    """Only E.164 and validity."""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return
    phonenumbers.is_valid_number(number)
    phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _row_seconds(ask: Callable[[str, str], None], mix: pl.DataFrame) -> float:
    begin = time.perf_counter()
    for value, region in mix.iter_rows():
        ask(value, region)
    return (time.perf_counter() - begin) / len(mix)


def _column_seconds(ask: Callable[[pl.Series, pl.Series], object], mix: pl.DataFrame) -> float:
    def once() -> float:
        begin = time.perf_counter()
        ask(mix["value"], mix["region"])
        return time.perf_counter() - begin

    return min(once() for _ in range(3)) / len(mix)


def _measure(rows: int) -> None:
    mix = sample_mix(rows)
    few = mix.head(50_000)
    baselines = {"in full": _row_seconds(_ask_in_full, few)}

    # Imported only now: it turns on the library's pattern cache, also for the rows below.
    from transforms.phones import normalize_phones
    from transforms.phones.library import ask_library

    baselines["in full, pattern cache"] = _row_seconds(_ask_in_full, few)
    baselines["E.164 and validity, pattern cache"] = _row_seconds(_ask_in_short, few)

    begin = time.perf_counter()
    normalize_phones(few["value"], few["region"])
    print(f"first {len(few):,} rows, with compiling: {time.perf_counter() - begin:.2f} s")
    columns = {
        "ask_library": _column_seconds(ask_library, mix),
        "normalize_phones": _column_seconds(normalize_phones, mix),
    }
    for name, seconds in columns.items():
        print(f"{name}: {1 / seconds:,.0f} rows/s, {seconds * 1e9:.0f} ns/row")
        for baseline, slow_seconds in baselines.items():
            ratio = slow_seconds / seconds
            print(f"  {ratio:5.1f} times phonenumbers {baseline} ({1 / slow_seconds:,.0f} rows/s)")
    fast_rows = ask_library(mix["value"], mix["region"])["is_fast"].sum()
    print(f"fast way: {fast_rows / rows:.2%} of {rows:,} rows")
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"peak memory: {peak_bytes / 1e6:,.0f} MB, with the sample mix")


if __name__ == "__main__":
    if os.environ.get("POLARS_MAX_THREADS") != "1":
        os.environ["POLARS_MAX_THREADS"] = "1"
        os.execv(
            sys.executable, [sys.executable, "-m", "tests.benchmarks.bench_phones", *sys.argv[1:]]
        )
    _measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
