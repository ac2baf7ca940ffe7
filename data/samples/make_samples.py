"""Makes the sample files: three views of one invented population, with the faults of real files.

And what else arrives about some of them: a list of businesses with their owners, what a skip-trace
provider found, and recorded deliveries of a webhook, retried and out of order.

Nobody here exists. Phone numbers come from ranges that regulators reserve for fiction
(US 555-0100 to 555-0199; Ofcom 020 7946 0xxx and 0113 496 0xxx; ACMA (02) 5550 and (02) 7010;
Bundesnetzagentur 030 23125 xxx; ARCEP 01 99 00 and 02 61 91), addresses from domains that
RFC 2606 reserves for examples.

Run it again and the files are the same, byte for byte: python data/samples/make_samples.py
"""

import csv
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

SEED = 20261121
ROWS = 2000
FOLDER = Path(__file__).resolve().parent

FIRST = [
    "Ava",
    "Liam",
    "Noah",
    "Emma",
    "Olivia",
    "Mia",
    "Lucas",
    "Ethan",
    "Zoe",
    "Chloé",
    "Jürgen",
    "Björn",
    "Amélie",
    "Søren",
    "Niamh",
    "Siobhán",
    "Priya",
    "Arjun",
    "Mateo",
    "Lucía",
    "Hana",
    "Kenji",
    "Fatima",
    "Omar",
    "Ingrid",
    "Lars",
    "Freya",
    "Isla",
    "Harry",
    "Grace",
    "Oscar",
    "Ruby",
    "Jack",
    "Hugo",
    "Léa",
    "Manon",
    "Theo",
    "Clara",
    "Felix",
    "Greta",
    "Otto",
    "Ada",
    "Max",
    "Nora",
    "Finn",
    "Ella",
    "Leo",
    "Iris",
    "Sam",
    "Jade",
]
LAST = [
    "Abbott",
    "Baker",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Grant",
    "Hoffmann",
    "Ito",
    "Jansen",
    "Keller",
    "Lambert",
    "Müller",
    "Nguyen",
    "O'Brien",
    "Patel",
    "Quinn",
    "Rossi",
    "Schmidt",
    "Tanaka",
    "Ueda",
    "Vargas",
    "Walsh",
    "Xu",
    "Young",
    "Zimmermann",
    "Archer",
    "Bennett",
    "Chapman",
    "Doyle",
    "Ellis",
    "Foster",
    "Gallagher",
    "Hughes",
    "Ingram",
    "Jenkins",
    "Knight",
    "Lawson",
    "Marsh",
    "Norton",
]
WORDS = [
    "harbor",
    "summit",
    "cedar",
    "bright",
    "north",
    "lumen",
    "delta",
    "orchard",
    "granite",
    "willow",
    "copper",
    "meadow",
]
PRODUCTS = ("roofing", "solar", "windows", "hvac", "insurance")
CITIES = {
    "US": (("Springfield", "IL", "62701"), ("Portland", "OR", "97201"), ("Boston", "MA", "02108")),
    "GB": (("Leeds", "", "LS1 4AP"), ("London", "", "SW1A 1AA")),
    "AU": (("Sydney", "NSW", "2000"), ("Wagga Wagga", "NSW", "2650")),
    "DE": (("Berlin", "", "10115"),),
    "FR": (("Paris", "", "75002"), ("Reims", "", "51100")),
}
COUNTRY = {
    "US": "United States",
    "GB": "United Kingdom",
    "AU": "Australia",
    "DE": "Germany",
    "FR": "France",
}
US_AREAS = (212, 312, 415, 503, 617, 702, 713, 206, 305, 404, 512, 602, 614, 615, 720, 801)


@dataclass(frozen=True)
class Person:
    """One inhabitant of the samples. ``phone`` is the number without its country code."""

    number: int
    first: str
    last: str
    country: str
    phone: str
    email: str
    company: str

    @property
    def national(self) -> str:
        """The number as people of the country write it."""
        digits = self.phone
        if self.country == "US":
            return f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"
        if self.country == "AU":
            return f"(0{digits[0]}) {digits[1:5]} {digits[5:]}"
        if self.country == "GB":
            split = 2 if digits.startswith("2") else 3
            return f"0{digits[:split]} {digits[split:-4]} {digits[-4:]}"
        if self.country == "DE":
            return f"0{digits[:2]} / {digits[2:]}"
        return "0" + digits[0] + "".join(f" {digits[i : i + 2]}" for i in range(1, 9, 2))

    @property
    def international(self) -> str:
        """The number with its country code."""
        code = {"US": "1", "GB": "44", "AU": "61", "DE": "49", "FR": "33"}[self.country]
        return f"+{code} {self.phone}"


def make_people(rng: random.Random, count: int) -> list[Person]:
    """People whose phones and emails differ from one another."""
    ranges: dict[str, Callable[[], str]] = {
        "US": lambda: f"{rng.choice(US_AREAS)}55501{rng.randrange(100):02d}",
        "GB": lambda: rng.choice(("2079460", "1134960")) + f"{rng.randrange(1000):03d}",
        "AU": lambda: rng.choice(("25550", "27010")) + f"{rng.randrange(10000):04d}",
        "DE": lambda: f"3023125{rng.randrange(1000):03d}",
        "FR": lambda: rng.choice(("19900", "26191")) + f"{rng.randrange(10000):04d}",
    }
    people: list[Person] = []
    taken: set[str] = set()
    while len(people) < count:
        country = rng.choices(("US", "GB", "AU", "DE", "FR"), (45, 20, 15, 8, 12))[0]
        phone = ranges[country]()
        if country + phone in taken:
            continue
        taken.add(country + phone)
        first, last = rng.choice(FIRST), rng.choice(LAST)
        plain = (first[0] + last).encode("ascii", "ignore").decode().replace("'", "").lower()
        domain = f"{rng.choice(WORDS)}.example"
        people.append(
            Person(
                len(people) + 1,
                first,
                last,
                country,
                phone,
                f"{plain}{len(people) + 1}@{domain}",
                f"{rng.choice(WORDS).title()} {rng.choice(WORDS).title()} Ltd",
            )
        )
    return people


def when(rng: random.Random) -> datetime:
    """A moment of the year before the samples were made."""
    return datetime(2025, 11, 1, tzinfo=UTC) + timedelta(minutes=rng.randrange(365 * 24 * 60))


def spell_phone(rng: random.Random, person: Person, *, is_local: bool) -> str:
    """One of the ways in which people write a number."""
    spellings = [person.international, person.international.replace(" ", "")]
    if is_local:
        spellings += [person.national, person.national, person.national.replace(" ", "-")]
    return rng.choice(spellings)


def spell_email(rng: random.Random, person: Person) -> str:
    """An address as typed."""
    return rng.choice((person.email, person.email, person.email.upper(), f" {person.email}"))


def hubspot(rng: random.Random, people: list[Person]) -> list[list[str]]:
    """A HubSpot contact export."""
    rows = [
        [
            *("Record ID - Contact", "First Name", "Last Name", "Email", "Phone Number"),
            *("Mobile Phone Number", "Company Name", "City", "State/Region", "Postal Code"),
            *("Country/Region", "Lifecycle Stage", "Last Modified Date", "Favourite Colour"),
        ]
    ]
    for person in people:
        city, state, code = rng.choice(CITIES[person.country])
        has_phone, has_email = rng.random() < 0.9, rng.random() < 0.92
        row = [
            str(8_000_000 + person.number),
            person.first,
            person.last,
            spell_email(rng, person) if has_email else "",
            spell_phone(rng, person, is_local=person.country == "US") if has_phone else "",
            "",
            person.company if rng.random() < 0.7 else "",
            *(city, state, code, COUNTRY[person.country]),
            rng.choice(("lead", "opportunity", "customer")),
            when(rng).strftime("%Y-%m-%d %H:%M"),
            rng.choice(("", "", "teal", 'grey, "mostly"', "two\nlines")),
        ]
        rows.append(row)
        if rng.random() < 0.05:  # exported twice, the second time after a change
            later = [*row]
            later[5] = row[4]
            later[12] = "2026-11-01 08:00"
            rows.append(later)
    return rows


def with_checksum(record_id: str) -> str:
    """A Salesforce id in its 18-character form: the last three tell which others are capitals."""
    parts = (record_id[start : start + 5] for start in (0, 5, 10))
    bits = (sum(letter.isupper() << place for place, letter in enumerate(part)) for part in parts)
    return record_id + "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[number] for number in bits)


def salesforce(rng: random.Random, people: list[Person]) -> list[list[str]]:
    """A Salesforce contact export, as Data Loader writes it."""
    rows = [
        [
            *("Id", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title"),
            *("MailingStreet", "MailingCity", "MailingState", "MailingPostalCode"),
            *("MailingCountry", "LeadSource", "LastModifiedDate"),
        ]
    ]
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz0123456789"
    for person in people:
        city, state, code = rng.choice(CITIES[person.country])
        record_id = with_checksum("003" + "".join(rng.choice(letters) for _ in range(12)))
        is_us = person.country == "US"
        row = [
            record_id,
            person.first,
            person.last,
            spell_email(rng, person) if rng.random() < 0.85 else "",
            spell_phone(rng, person, is_local=is_us) if rng.random() < 0.6 else "",
            spell_phone(rng, person, is_local=is_us) if rng.random() < 0.5 else "",
            rng.choice(("", "CEO", "Buyer", "Facility Manager")),
            f"{rng.randrange(1, 200)} {rng.choice(WORDS).title()} Street",
            *(city, state, code, COUNTRY[person.country]),
            rng.choice(("Web", "Referral", "Trade Show")),
            when(rng).strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
        ]
        rows.append(row)
        if rng.random() < 0.03:  # the same row again
            rows.append([*row])
    return rows


def vendor(rng: random.Random, people: list[Person]) -> list[list[str]]:
    """A bought list: no ids, names in one column, numbers as each country writes them."""
    rows = [
        ["Full Name", "Phone", "Alternate Phone", "Email", "City", "Zip", "Country", "Interest"]
    ]
    for person in people:
        city, _, code = rng.choice(CITIES[person.country])
        row = [
            f"{person.first} {person.last}",
            spell_phone(rng, person, is_local=True),
            "",
            spell_email(rng, person) if rng.random() < 0.6 else "",
            *(city, code, person.country, rng.choice(PRODUCTS)),
        ]
        rows.append(row)
        if rng.random() < 0.06:
            rows.append([*row])
    return rows


def damage(rng: random.Random, rows: list[list[str]], phone: int, email: int) -> list[list[str]]:
    """Spoil about three rows in a hundred, each in one of the ways that files are spoilt."""
    spoilt = [rows[0]]
    for row in rows[1:]:
        if rng.random() < 0.03:
            row = [*row]
            fault = rng.randrange(6)
            if fault == 0:
                row.append("DO NOT CALL")
            elif fault == 1:
                row = row[: len(row) // 2]
            elif fault == 2:
                row[phone] = rng.choice(("0000000000", "ask her", "555", "6.28E+10"))
            elif fault == 3:
                row[email] = rng.choice(
                    ("none@none.com", "nobody at home", "a@b@c", "@example.com")
                )
            elif fault == 4:
                row[phone], row[email] = "12", "unknown"
            else:
                row = [""] * len(row)
        spoilt.append(row)
    return spoilt


def businesses(rng: random.Random, people: list[Person]) -> list[list[str]]:
    """A bought list of businesses: one row for each owner, some owners of two."""
    rows = [
        [
            *("Business ID", "Business Name", "Business Phone", "Industry", "City", "State", "Zip"),
            *("Employees", "Annual Revenue", "Owner Name", "Owner Phone", "Owner Title"),
        ]
    ]
    for number, person in enumerate(people, start=1):
        city, state, code = rng.choice(CITIES[person.country])
        about = [
            f"B-{number:04d}",
            person.company,
            "",
            rng.choice(PRODUCTS).title(),
            *(city, state, code),
            rng.choice(("3", "12", "1,200", "many")),
            rng.choice(("$250,000", "1.2M", "")),
        ]
        owners = [person, *([rng.choice(people)] if rng.random() < 0.1 else [])]
        for owner in owners:
            named = [f"{owner.first} {owner.last}", owner.international, "Owner"]
            rows.append([*about, *(named if rng.random() < 0.9 else ["", "", ""])])
    return rows


def traced(rng: random.Random, people: list[Person]) -> list[list[str]]:
    """What a skip-trace provider sent back; asked twice about some, the second time in vain."""
    rows = [
        [
            *("First Name", "Last Name", "Property Address", "Property Zip", "Phone 1", "Email 1"),
            *("Skip Trace Status", "Skip Trace Date"),
        ]
    ]
    for person in people:
        _, _, code = rng.choice(CITIES[person.country])
        street = f"{rng.randrange(1, 200)} {rng.choice(WORDS).title()} Street"
        about = [person.first, person.last, street, code, person.international]
        rows.append([*about, person.email, "found", "2026-10-01"])
        if rng.random() < 0.2:
            rows.append([*about, "", "not found", "2026-11-01"])
    return rows


def deliveries(rng: random.Random, people: list[Person]) -> list[str]:
    """Recorded deliveries: retries of some, and none in the order in which they happened."""
    lines = []
    for number, person in enumerate(people, start=1):
        states = ("new", "contacted", "qualified")[: rng.randrange(1, 4)]
        for step, state in enumerate(states):
            payload = {
                "external_crm_id": f"W-{number:04d}",
                "firstname": person.first,
                "lastname": person.last,
                "phone_number": person.international,
                "interest": rng.choice(PRODUCTS),
                "lead_status": state,
            }
            said = {
                "delivery_id": f"dlv_{number:04d}_{step}",
                "delivered_at": f"2026-11-{1 + step:02d}T{rng.randrange(24):02d}:00:00Z",
                "payload": payload,
            }
            line = json.dumps(said, ensure_ascii=False)
            lines += [line] * (2 if rng.random() < 0.2 else 1)
    rng.shuffle(lines)
    return lines


def main() -> None:
    """Write the files beside this script."""
    rng = random.Random(SEED)
    people = make_people(rng, 4000)
    for name, maker, chosen, phone, email in (
        ("hubspot_contacts.csv", hubspot, people[:1900], 4, 3),
        ("salesforce_contacts.csv", salesforce, people[1000:2940], 4, 3),
        ("vendor_list.csv", vendor, people[300:600] + people[1500:1800] + people[2600:3890], 1, 3),
    ):
        order = chosen[:]
        rng.shuffle(order)
        rows = damage(rng, maker(rng, order), phone, email)
        with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    # With dice of its own: the three files above stay as they are.
    rng = random.Random(SEED + 1)
    for name, maker in (("business_list.csv", businesses), ("skiptrace_results.csv", traced)):
        with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(maker(rng, rng.sample(people, 150)))
    lines = deliveries(rng, rng.sample(people, 100))
    (FOLDER / "webhook_deliveries.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
