"""People by number: the same number and seed give the same person, in any order and any chunk.

Nobody here exists. Phones are of ranges that their countries give out, since both sides of a
comparison must take them for valid; no number is called and no address is written to.
"""

import hashlib
import unicodedata

import numpy as np
import polars as pl

from tests.benchmarks.words import (
    COUNTRIES,
    FIRST,
    FORMS,
    LAST,
    LEAD_SOURCES,
    NOTES,
    PRODUCTS,
    STATUSES,
    STREETS,
    TITLES,
    US_AREAS,
    US_LINES,
    WORDS,
)
from transforms.record_ids import extend_salesforce_id

Numbers = np.ndarray[tuple[int], np.dtype[np.uint64]]

# A prime that divides no phone_count: multiplied by it, numbers that differ still do.
_SCATTER = 2_654_435_761
_OFFICE_PEOPLE = 20_000
_CREATED = np.datetime64("2022-01-01T00:00:00", "s")
_THREE_YEARS_SECONDS = 3 * 365 * 86_400
_DAY_SECONDS = 86_400
_BASE62 = np.frombuffer(
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", dtype=np.uint8
)
_POSTCODE_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"


def draw(numbers: Numbers, purpose: str, seed: int) -> Numbers:
    """64 random-looking bits of each number (splitmix64), others for each purpose and seed."""
    digest = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
    bits = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    bits += np.uint64(int.from_bytes(digest, "little"))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return bits ^ (bits >> np.uint64(31))


class People:
    """The people of a seed, as a CRM shows them.

    Args:
        seed: Which people.
        persons: Their numbers, one a row.
        records: The number of the CRM's record in which each stands.
        versions: How often each record had changed by then.
    """

    def __init__(self, seed: int, persons: Numbers, records: Numbers, versions: Numbers) -> None:
        self.seed = seed
        self.persons, self.records, self.versions = persons, records, versions
        # One in a hundred lives with somebody: one name, one address, one phone.
        is_family = draw(persons, "family", seed) % 100 == 0
        self.homes = persons - (is_family & (persons % 20 > 0)).astype(np.uint64)
        self.states = records * np.uint64(8) + versions
        shares = np.repeat(
            np.arange(len(COUNTRIES)), [country.weight for country in COUNTRIES.values()]
        )
        self.countries = shares[draw(self.homes, "country", seed) % len(shares)]
        # A third of the changes is a move.
        moved = (versions > 1) & (draw(records, "moves", seed) % 3 == 0)
        self.addresses = self.homes * np.uint64(8) + np.where(moved, versions, 1).astype(np.uint64)

    def frame(self) -> pl.DataFrame:
        """The rows of an export of leads, every cell text."""
        created = _CREATED + (draw(self.records, "created", self.seed) % _THREE_YEARS_SECONDS)
        age = draw(self.records, "age", self.seed) % (180 * _DAY_SECONDS)
        changed = created + age + self.versions * np.uint64(30 * _DAY_SECONDS)
        names = pl.DataFrame(
            {
                "first": self._pick(self.persons, "first", FIRST),
                "last": self._pick(self.homes, "last", LAST),
                "person": self.persons,
            }
        )
        company = self._companies()
        return pl.DataFrame(
            {
                "Id": record_ids(self.records),
                "FirstName": names["first"],
                "LastName": names["last"],
                "Company": company["name"],
                "Title": self._pick(self.persons, "title", TITLES),
                "Email": self._emails(names, company["domain"]),
                "Phone": self._phones(),
                "MobilePhone": self._mobiles(),
                **self._address(),
                "Status": self._pick(self.states, "status", STATUSES),
                "LeadSource": self._pick(self.records, "source", LEAD_SOURCES),
                "ProductInterest__c": self._pick(self.records, "product", PRODUCTS),
                "Description": self._pick(self.states, "note", NOTES),
                "HasOptedOutOfEmail": np.where(self._one_in(50, "opted out"), "true", "false"),
                "CreatedDate": _told(created),
                "LastModifiedDate": _told(changed),
            }
        )

    def _one_in(self, share: int, purpose: str) -> np.ndarray:
        return draw(self.persons, purpose, self.seed) % share == 0

    def _pick(self, numbers: Numbers, purpose: str, words: tuple[str, ...]) -> pl.Series:
        chosen = draw(numbers, purpose, self.seed) % len(words)
        return pl.Series(words).gather(pl.Series(chosen))

    def _companies(self) -> pl.DataFrame:
        companies = draw(self.persons, "company", self.seed) % 30_000
        words = pl.DataFrame(
            {
                "one": self._pick(companies, "one", WORDS),
                "two": self._pick(companies, "two", WORDS),
                "form": self._pick(companies, "form", FORMS),
                "number": companies,
                "has": draw(self.persons, "has company", self.seed) % 4 > 0,
            }
        )
        name = pl.format(
            "{} {} {}", pl.col("one").str.to_titlecase(), pl.col("two").str.to_titlecase(), "form"
        )
        return words.select(
            name=pl.when("has").then(name).otherwise(pl.lit("")),
            domain=pl.format("{}-{}{}.com", "one", "two", "number"),
        )

    def _emails(self, names: pl.DataFrame, company_domains: pl.Series) -> pl.Series:
        private = pl.Series(np.zeros(len(names)), dtype=pl.String)
        for number, country in enumerate(COUNTRIES.values()):
            domains = self._pick(self.persons, "domain", country.domains)
            private = domains.zip_with(pl.Series(self.countries == number), private)
        domain = company_domains.zip_with(pl.Series(self._one_in(3, "works")), private)
        mailbox = pl.format("{}.{}{}", _plain("first", FIRST), _plain("last", LAST), "person")
        written = names.select(pl.format("{}@{}", mailbox, pl.lit(domain)))
        email = written.to_series()
        email = email.str.to_uppercase().zip_with(pl.Series(self._one_in(25, "shouts")), email)
        return _without(email, self._one_in(12, "no email"))

    def _phones(self) -> pl.Series:
        offices = pl.Series(self.persons // _OFFICE_PEOPLE + 70_000_000)
        office = pl.select(pl.format("+44 20 {}", offices)).to_series()
        phones = office.zip_with(pl.Series(self._one_in(500, "office")), self._numbers(0))
        return _without(phones, self._one_in(9, "no phone"))

    def _mobiles(self) -> pl.Series:
        is_new = (self.versions > 1) & (draw(self.records, "new mobile", self.seed) % 5 == 0)
        return _without(self._numbers(1), ~(self._one_in(3, "mobile") | is_new))

    def _numbers(self, which: int) -> pl.Series:
        """Each home's first (0) or each person's second (1) number, as people write it."""
        found = pl.Series(np.zeros(len(self.persons)), dtype=pl.String)
        owners = self.persons if which else self.homes
        styles = pl.Series(draw(self.records, f"style {which}", self.seed) % 10)
        offset = int(draw(np.zeros(1, np.uint64), "phones", self.seed)[0] % 1_000_003)
        for number, (name, country) in enumerate(COUNTRIES.items()):
            half = country.phone_count // 2
            lines = ((owners + np.uint64(offset)) * np.uint64(_SCATTER)) % half * 2 + which
            if name == "US":
                areas = pl.Series(US_AREAS).gather(pl.Series(lines // US_LINES))
                rest = pl.Series(lines % US_LINES + 2_000_000).cast(pl.String)
                national = areas + rest
            else:
                national = pl.Series(lines + country.phone_base).cast(pl.String)
            written = pl.DataFrame({"n": national, "style": styles}).select(
                pl.when(pl.col("style") < 4)
                .then(pl.format("+{}{}", pl.lit(country.code), "n"))
                .when(pl.col("style") < 6)
                .then(pl.format("+{} {} {}", pl.lit(country.code), *_parts(country.area_digits)))
                .when(pl.col("style") < 8)
                .then(pl.lit(country.trunk) + pl.col("n"))
                .otherwise(
                    pl.format("({}) {}-{}", *_parts(3, 6))
                    if name == "US"
                    else pl.format("{}{} {}", pl.lit(country.trunk), *_parts(country.area_digits))
                )
            )
            found = written.to_series().zip_with(pl.Series(self.countries == number), found)
        return found

    def _address(self) -> dict[str, pl.Series]:
        places = [
            (number, place, city, state, digits, country.postcode)
            for number, country in enumerate(COUNTRIES.values())
            for place, (city, state, digits) in enumerate(country.places)
        ]
        known = pl.DataFrame(
            places, ["country", "place", "City", "State", "digits", "form"], orient="row"
        )
        counts = np.array([len(country.places) for country in COUNTRIES.values()], np.uint64)
        chosen = draw(self.addresses, "place", self.seed) % counts[self.countries]
        local = draw(self.addresses, "postcode", self.seed)
        letters = pl.Series([a + b for a in _POSTCODE_LETTERS for b in _POSTCODE_LETTERS])
        rows = pl.DataFrame(
            {
                "country": self.countries,
                "place": chosen.astype(np.int64),
                "local": local % 100,
                "letters": letters.gather(pl.Series(local % 400)),
                "house": draw(self.addresses, "house", self.seed) % 400 + 1,
                "street": self._pick(self.addresses, "street", STREETS),
                "word": self._pick(self.addresses, "word", WORDS),
                "spelt": draw(self.records, "spelt", self.seed) % 8,
            }
        ).join(known, on=["country", "place"], how="left", maintain_order="left")
        spellings = pl.coalesce(
            pl.when(country=number).then(
                pl.lit(pl.Series(country.spellings)).gather(
                    pl.when(pl.col("spelt") < len(country.spellings)).then("spelt").otherwise(0)
                )
            )
            for number, country in enumerate(COUNTRIES.values())
        )
        digits = pl.col("local").cast(pl.String).str.zfill(2)
        british = pl.format("{} {}{}", "digits", pl.col("local") % 10, "letters")
        told = rows.select(
            Street=pl.when(pl.col("house") % 5 == 0)
            .then(
                pl.format("{} {}, {} House", "house", "street", pl.col("word").str.to_titlecase())
            )
            .otherwise(pl.format("{} {}", "house", "street")),
            City="City",
            State="State",
            PostalCode=pl.when(form=" #*").then(british).otherwise(pl.col("digits") + digits),
            Country=spellings,
        )
        return {name: told[name] for name in told.columns}


def record_ids(records: Numbers) -> pl.Series:
    """Ids as Salesforce gives them to leads, in their 18-character form."""
    digits = np.empty((len(records), 5), np.uint8)
    rest = records.copy()
    for place in range(4, -1, -1):
        digits[:, place] = _BASE62[rest % 62]
        rest //= np.uint64(62)
    ends = pl.Series(digits.view("S5").ravel().astype("U5"))
    return pl.select(extend_salesforce_id(pl.lit("00Q5f00000") + pl.lit(ends))).to_series()


def _told(times: np.ndarray) -> pl.Series:
    return pl.Series(times.astype("datetime64[ms]")).dt.strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _without(values: pl.Series, is_blank: np.ndarray) -> pl.Series:
    blanks = pl.repeat("", len(values), dtype=pl.String, eager=True)
    return blanks.zip_with(pl.Series(is_blank), values)


def _parts(*ends: int) -> list[pl.Expr]:
    """The digits of ``n``, cut after so many."""
    starts = (0, *ends)
    return [
        pl.col("n").str.slice(start, end - start if end else None)
        for start, end in zip(starts, (*ends, 0), strict=True)
    ]


def _plain(column: str, names: tuple[str, ...]) -> pl.Expr:
    """A name as it stands in an address: ASCII letters only."""
    folded = (unicodedata.normalize("NFKD", name.replace("ø", "o")) for name in names)
    letters = ["".join(c for c in name.lower() if "a" <= c <= "z") for name in folded]
    return pl.col(column).replace_strict(list(names), letters)
