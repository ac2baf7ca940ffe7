"""Small worlds in which people collide: files over tiny pools of ids, phones, emails and names.

An import costs about as much for one row as for a hundred, so a world has several villages.
Villages share files and names, but no id, phone or email: each is a small world of its own.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.vendor.pretty import RepresentationPrinter

Claim = tuple[str, str]
"""Kind (phone, email, or the name space of a CRM's ids) and value, as ``identities`` has them."""

OptOut = tuple[str, str, str]
"""Kind, value, channel."""

VILLAGES = 5
CRM_IDS, PHONES, EMAILS = range(5), range(4), range(4)
CLOCKS = (
    "2026-01-05 10:00:00",
    "2026-02-05 10:00:00",
    "2026-03-05 10:00:00",
    "2026-04-05 10:00:00",
)
CHANNELS = ("email", "phone", "sms")
TOO_LONG = 501
"""Bytes of an id that no row may have; its phone and email can be read all the same."""

# First and last names. Bob and Robert, Ann and Anna are the same name; Cid is another.
FIRST_NAMES = (None, "Bob", "Robert", "Ann", "Anna", "Cid")
LAST_NAMES = (None, "Lee", "Lee", "Kahn", "Moss")
SUFFIXES = ("", "", "", "", "", "", "", "", " Jr", " Sr")
CITIES = (None, "Bonn", "Rome", "Kyiv", "Ulm")
STATUSES = (None, "new", "called", "won")


@dataclass(frozen=True)
class Row:
    """One row of a file, before it is written in the words of its source.

    Attributes:
        village: Whose ids, phones and emails the numbers mean.
        record: Id within a list; a feed's records are known by their CRM id.
        crm: CRM id, phones, emails: numbers within the village.
        clock: Number of one of ``CLOCKS``.
        opt_outs: Channels; a source without a column for one does not say it.
        is_deleted: A tombstone, in the sources that have such.
        damage: ``no_identity``, ``too_few_fields`` or ``id_too_long``: why it is a reject.
    """

    village: int = 0
    record: int | None = None
    crm: int | None = None
    first: str | None = None
    last: str | None = None
    phones: tuple[int, ...] = ()
    emails: tuple[int, ...] = ()
    city: str | None = None
    status: str | None = None
    clock: int | None = None
    opt_outs: tuple[str, ...] = ()
    is_deleted: bool = False
    damage: str | None = None


@dataclass(frozen=True)
class File:
    """One file of a world; in another ``spelling`` its phones have other hyphens."""

    source: str
    name: str
    rows: tuple[Row, ...]
    spelling: int = 0

    def _repr_pretty_(self, printer: RepresentationPrinter, cycle: bool) -> None:
        """How Hypothesis shows it."""
        printer.text(f"\n{self.name}, {self.source}:\n{self.text}")

    @property
    def text(self) -> str:
        """As it stands in the drop folder."""
        header, cells = LAYOUTS[self.source]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header.split(","))
        for row in self.rows:
            written = cells(row, self.spelling)
            writer.writerow(written[:3] if row.damage == "too_few_fields" else written)
        return out.getvalue()

    @property
    def records(self) -> set[object]:
        """What tells the records of its logical file apart."""
        if self.source == "generic":
            return {(self.name, row) for row in self.rows}
        return {(row.village, row.crm) for row in self.rows}

    def record_id(self, row: Row) -> str:
        """``source_record_id``; empty where it is a hash of the row."""
        if self.source == "generic":
            return "" if row.record is None else f"{row.village}-{row.record}"
        return "" if row.crm is None else crm_id(self.source, row.village, row.crm)

    def claims(self, row: Row) -> set[Claim]:
        """What identifies the person of a row; nothing where the row cannot be read."""
        if row.damage in ("no_identity", "too_few_fields"):
            return set()
        found = {("phone", phone(row.village, number)) for number in row.phones}
        found |= {("email", email(row.village, number)) for number in row.emails}
        if row.crm is not None:
            found.add((SPACES[self.source], crm_id(self.source, row.village, row.crm)))
        return found

    def stated(self, row: Row) -> set[OptOut]:
        """Each claim of a row with each channel that the row opts out of."""
        said = set(row.opt_outs) & STATED_CHANNELS[self.source]
        return {(*claim, channel) for claim in self.claims(row) for channel in said}

    def opt_outs(self, row: Row) -> set[OptOut]:
        """What has to be kept: a phone's channels of its phones, email's of its emails, and all of
        them of its CRM id."""
        about = {"phone": ("phone", "sms"), "email": ("email",)}
        return {out for out in self.stated(row) if out[2] in about.get(out[0], CHANNELS)}


def phone(village: int, number: int) -> str:
    return f"+1415555{village + 2}{number}71"


def email(village: int, number: int) -> str:
    return f"{'pqrs'[number]}@village{village}.example.com"


def crm_id(source: str, village: int, number: int) -> str:
    """As it is stored: Salesforce's with their three check characters."""
    return _short_id(source, village, number) + ("AAA" if source == "salesforce" else "")


def village_of(kind: str, value: str) -> int | None:
    """The village of a claim."""
    return _VILLAGES.get((kind, value))


def _short_id(source: str, village: int, number: int) -> str:
    return ("00q5e00000009" if source == "salesforce" else "7") + f"{village}{number}"


def _phone_text(row: Row, place: int, spelling: int) -> str:
    if place >= len(row.phones):
        return ""
    number = phone(row.village, row.phones[place])[2:]
    area, exchange, line = number[:3], number[3:6], number[6:]
    forms = (f"+1{number}", f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}")
    return forms[(len(row.first or "") + place + spelling) % 3]


def _email_text(row: Row, place: int) -> str:
    if place >= len(row.emails):
        return ""
    text = email(row.village, row.emails[place])
    return text.title() if len(row.first or "") % 2 else text


def _common(row: Row, spelling: int) -> dict[str, str]:
    is_anonymous = row.damage == "no_identity"
    blank = replace(row, phones=(), emails=()) if is_anonymous else row
    return {
        "first": row.first or ("Zed" if row.damage else ""),
        "last": row.last or ("Zed" if row.damage else ""),
        "phone": _phone_text(blank, 0, spelling),
        "mobile": _phone_text(blank, 1, spelling),
        "email": _email_text(blank, 0),
        "email2": _email_text(blank, 1),
        "city": row.city or "",
        "status": row.status or "",
        "clock": "" if row.clock is None else CLOCKS[row.clock],
    }


_WRITTEN = ("first", "last", "phone", "mobile", "email", "city", "status", "clock")


def _with_opt_outs(row: Row, *channels: str) -> list[str]:
    return ["true" if channel in row.opt_outs else "" for channel in channels]


def _hubspot_cells(row: Row, spelling: int) -> list[str]:
    said = _common(row, spelling)
    number = "" if row.crm is None else crm_id("hubspot", row.village, row.crm)
    names = (*_WRITTEN, "email2")
    return [number, *(said[name] for name in names), *_with_opt_outs(row, "email")]


def _salesforce_cells(row: Row, spelling: int) -> list[str]:
    said = _common(row, spelling)
    number = ""
    if row.crm is not None:
        written = crm_id if row.clock else _short_id
        number = written("salesforce", row.village, row.crm)
    return [
        number,
        *(said[name] for name in _WRITTEN),
        *_with_opt_outs(row, "email", "phone"),
        "true" if row.is_deleted else "false",
    ]


def _generic_cells(row: Row, spelling: int) -> list[str]:
    said = _common(row, spelling)
    number = "" if row.crm is None else crm_id("generic", row.village, row.crm)
    record = "" if row.record is None else f"{row.village}-{row.record}"
    if row.damage == "id_too_long":
        record = "x" * TOO_LONG
    names = (*_WRITTEN, "email2")
    return [record, number, *(said[name] for name in names), *_with_opt_outs(row, *CHANNELS)]


Layout = tuple[str, Callable[[Row, int], list[str]]]
LAYOUTS: dict[str, Layout] = {
    "hubspot": (
        "Record ID - Contact,First Name,Last Name,Phone Number,Mobile Phone Number,Email,City,"
        "Lead Status,Last Modified Date,Additional email addresses,Unsubscribed from all email",
        _hubspot_cells,
    ),
    "salesforce": (
        "Id,FirstName,LastName,Phone,MobilePhone,Email,MailingCity,Status,LastModifiedDate,"
        "HasOptedOutOfEmail,DoNotCall,IsDeleted",
        _salesforce_cells,
    ),
    "generic": (
        "id,crm_id,first_name,last_name,phone,mobile,email,city,status,updated_at,email 2,"
        "unsubscribed,dnc,do not text",
        _generic_cells,
    ),
}
SPACES = {"hubspot": "hubspot", "salesforce": "salesforce", "generic": "crm"}
STATED_CHANNELS = {
    "hubspot": {"email"},
    "salesforce": {"email", "phone"},
    "generic": {"email", "phone", "sms"},
}

_VILLAGES: dict[Claim, int] = {
    claim: village
    for village in range(VILLAGES)
    for claim in (
        *(("phone", phone(village, number)) for number in PHONES),
        *(("email", email(village, number)) for number in EMAILS),
        *(
            (space, crm_id(source, village, number))
            for source, space in SPACES.items()
            for number in CRM_IDS
        ),
    )
}


def some(values: range, most: int) -> st.SearchStrategy[tuple[int, ...]]:
    """None to ``most`` of the numbers, one being usual."""
    one = st.sampled_from(values)
    return st.one_of(
        one.map(lambda number: (number,)),
        st.lists(one, max_size=most, unique=True).map(tuple),
    )


@st.composite
def rows(draw: st.DrawFn, source: str, village: int, *, is_calm: bool = False) -> Row:
    """A row of that source. In a calm world names never contradict, and nothing is damaged."""
    is_feed = source != "generic"
    crm = st.sampled_from(CRM_IDS)
    odds = draw(st.integers(0, 30))  # of 31 rows two are tombstones, three are damaged
    damage = {29: "no_identity", 30: "too_few_fields", 28: "id_too_long"}.get(odds)
    if is_calm or (damage == "id_too_long" and is_feed):
        damage = None
    first = draw(st.sampled_from((None, "Ann") if is_calm else FIRST_NAMES))
    last = draw(st.sampled_from((None, "Lee") if is_calm else LAST_NAMES))
    if last and not is_calm:
        last += draw(st.sampled_from(SUFFIXES))
    row = Row(
        village=village,
        record=None if is_feed else draw(st.sampled_from((None, 0, 1, 2))),
        crm=draw(crm if is_feed else st.one_of(st.none(), st.none(), crm)),
        first=first,
        last=last,
        phones=draw(some(PHONES, 2)),
        emails=draw(some(EMAILS, 1 if source == "salesforce" else 2)),
        city=draw(st.sampled_from(CITIES)),
        status=draw(st.sampled_from(STATUSES)),
        clock=draw(st.sampled_from((None, None, *range(len(CLOCKS))))),
        opt_outs=draw(st.sampled_from(((), (), (), ("email",), ("phone", "sms"), CHANNELS))),
        is_deleted=source == "salesforce" and not is_calm and odds in (26, 27),
        damage=damage,
    )
    if damage == "no_identity":
        return replace(row, crm=None, record=None, phones=(), emails=())
    is_nobody = row.crm is None and not row.phones and not row.emails
    return replace(row, phones=(draw(st.sampled_from(PHONES)),)) if is_nobody else row


@st.composite
def files(
    draw: st.DrawFn, source: str, name: str, *, is_calm: bool = False, most_rows: int = 4
) -> File:
    """A file with rows of every village, some of them twice."""
    found = []
    for village in range(VILLAGES):
        least = 1 if village == 0 else 0
        mine = draw(
            st.lists(rows(source, village, is_calm=is_calm), min_size=least, max_size=most_rows)
        )
        if draw(st.integers(0, 3)) == 3:
            mine.extend(mine[:1])
        found.extend(mine)
    return File(source, name, tuple(found))


@st.composite
def worlds(draw: st.DrawFn, *, least: int = 1, most: int = 3) -> tuple[File, ...]:
    """Files in the order in which they come, most of them of two feeds."""
    sources = draw(
        st.lists(
            st.sampled_from(("hubspot", "hubspot", "salesforce", "generic")),
            min_size=least,
            max_size=most,
        )
    )
    return tuple(
        draw(files(source, f"{source}_{number}.csv")) for number, source in enumerate(sources)
    )


def without_ties(file: File) -> File:
    """The file without rows that another statement of their record has the clock of: only there
    does the order of rows say which is the newer."""
    seen: set[object] = set()
    kept = []
    for row in file.rows:
        record = row.crm if file.source != "generic" else row.record
        key = row if record is None else (row.village, record, row.clock)
        if key not in seen or row.damage:
            kept.append(row)
        seen.add(key)
    return replace(file, rows=tuple(kept))
