"""Where a text speaks of one person: by phone in any spelling, by email, by our ids.

A name alone is no identity; it counts only beside an id of the person's record.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import phonenumbers
import polars as pl

from transforms.emails import key_emails

# What people put between the digits of one number.
_RUN = re.compile(r"\d(?:[ .()\-\u2010-\u2015\u2212/·]{0,3}\d){4,}")
_ADDRESS = re.compile(r"[\w.+\-'%!#$*^`{}~]+@[\w.\-]+", re.UNICODE)
_ODD_DIGITS = r"[\p{Nd}--[0-9]]"
# So many digits in a row are no coincidence; of fewer, all must agree.
_TELLING_DIGITS = 9
_GMAIL = ("gmail.com", "googlemail.com")


@dataclass(frozen=True)
class Traces:
    """By what one person is known again in a text.

    Attributes:
        phones: In E.164.
        emails: Keys of addresses (``transforms.emails.key_emails``).
        ids: Ids of ours: personas and leads.
        record_ids: Ids that sources give; short ones are everywhere, so a name must stand beside.
        names: Names of the person, each as its words in lower case.
    """

    phones: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    record_ids: frozenset[str] = frozenset()
    names: frozenset[tuple[str, ...]] = frozenset()

    def find(self, texts: pl.Series) -> pl.Series:
        """Whether each text speaks of the person; null is none."""
        maybe = pl.DataFrame({"text": texts.cast(pl.String)}).select(
            (self._may_speak() & pl.col("text").is_not_null()).alias("maybe")
        )["maybe"]
        found = maybe.to_list()
        for at, is_found in self._judge(
            texts, [at for at, is_maybe in enumerate(found) if is_maybe]
        ):
            found[at] = is_found
        return pl.Series("found", found, dtype=pl.Boolean)

    def is_in(self, text: str) -> bool:
        """Whether a text speaks of the person."""
        ((_, is_found),) = self._judge(pl.Series([text]), [0])
        return is_found

    def _judge(self, texts: pl.Series, places: list[int]) -> Iterator[tuple[int, bool]]:
        """Look at single texts; the mailboxes of all of them are asked at once."""
        said = [texts[at] for at in places]
        plain = [unicodedata.normalize("NFKC", text) for text in said]
        addresses = [list_addresses(text) if self.emails else [] for text in plain]
        mine = set(self.emails)
        keys = key_addresses(one for listed in addresses for one in listed)
        mine |= {address for address, key in keys.items() if key in self.emails}
        for at, text, spelt, listed in zip(places, said, plain, addresses, strict=True):
            yield (
                at,
                not mine.isdisjoint(listed)
                or any(one in text for one in self.ids)
                or any(map(self._is_phone, list_numbers(spelt)))
                or self._has_named_id(spelt.casefold()),
            )

    def _may_speak(self) -> pl.Expr:
        """What is cheap to tell of many texts, and never misses one."""
        text = pl.col("text")
        may = text.str.contains(_ODD_DIGITS) if self.phones else pl.lit(value=False)
        if self.phones:
            ends = sorted(form.national for form in self._forms)
            may |= text.str.replace_all(r"[^0-9]", "").str.contains_any(ends)
        if self.emails:
            domains = {key.rpartition("@")[2] for key in self.emails}
            domains |= set(_GMAIL) if "gmail.com" in domains else set()
            # Dots and tags may stand in a mailbox; its letters stay in a row.
            mailboxes = {key.rpartition("@")[0].replace(".", "") for key in self.emails}
            bare = text.str.to_lowercase().str.replace_all(".", "", literal=True)
            may |= text.str.contains_any(
                sorted(domains), ascii_case_insensitive=True
            ) & bare.str.contains_any(sorted(mailboxes))
            may |= text.str.contains("＠", literal=True)
        if self.ids:
            may |= text.str.contains_any(sorted(self.ids))
        if self.record_ids and self.names:
            # Ids may be as short as '1': the name tells more.
            lower = text.str.to_lowercase()
            words = {max(name, key=len) for name in self.names}
            may |= lower.str.contains_any(sorted(words)) & lower.str.contains_any(
                sorted(one.lower() for one in self.record_ids)
            )
        return may

    @cached_property
    def _forms(self) -> list["_Form"]:
        return [_Form.of(phone) for phone in self.phones]

    def _is_phone(self, digits: str) -> bool:
        return any(form.fits(digits) for form in self._forms)

    def _has_named_id(self, text: str) -> bool:
        return any(
            all(word in text and _has_word(text, word) for word in name) for name in self.names
        ) and any(_has_word(text, one.casefold()) for one in self.record_ids)


@dataclass(frozen=True)
class _Form:
    national: str
    whole: str
    others: frozenset[str]

    @classmethod
    def of(cls, phone: str) -> "_Form":
        """How a number in E.164 may be written, as digits without zeros before."""
        try:
            parsed = phonenumbers.parse(phone)
        except phonenumbers.NumberParseException:
            digits = re.sub(r"\D", "", phone)
            return cls(digits, digits, frozenset())
        national, code = str(parsed.national_number), str(parsed.country_code)
        whole = code + national
        # 011 is dialled before it in America; (0) stands in it in Europe.
        return cls(national, whole, frozenset({national, "11" + whole, f"{code}0{national}"}))

    def fits(self, digits: str) -> bool:
        for one in (self.whole, self.national):
            if len(one) >= _TELLING_DIGITS and one in digits:
                return True
        bare = digits.lstrip("0")
        return bare == self.whole or bare in self.others


def list_numbers(text: str) -> list[str]:
    """The digits of each run that may be a phone number."""
    if text.isascii():
        return [re.sub("[^0-9]", "", run[0]) for run in _RUN.finditer(text)]
    shown = "".join(mark for mark in text if unicodedata.category(mark) != "Cf")
    return [
        "".join(str(unicodedata.digit(mark, 0)) for mark in run[0] if mark.isdigit())
        for run in _RUN.finditer(shown)
    ]


def list_addresses(text: str) -> list[str]:
    """What looks like an email address, in lower case."""
    return [found.strip(".'-").lower() for found in _ADDRESS.findall(text)] if "@" in text else []


def key_addresses(addresses: Iterable[str]) -> dict[str, str]:
    """Each address that identifies somebody -> its key."""
    listed = sorted(set(addresses))
    keys = key_emails(pl.Series(listed, dtype=pl.String))
    return {address: key for address, key in zip(listed, keys, strict=True) if key}


def guess_phones(digits: str, region: str) -> set[str]:
    """What a run of digits may be in E.164, for whoever dials from a region."""
    code = str(phonenumbers.country_code_for_region(region))
    bare = digits.lstrip("0")
    return {
        f"+{digits}",
        f"+{bare}",
        f"+{code}{digits}",
        f"+{code}{bare}",
        f"+{bare.removeprefix('11')}",
        f"+{code}{bare.removeprefix(code + '0')}",
    }


def _has_word(text: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None
