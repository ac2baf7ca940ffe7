"""Words of which the people of the benchmark are made. Nobody here exists."""

from typing import NamedTuple


class Country(NamedTuple):
    """How people of a country write their numbers and places.

    Attributes:
        weight: Share of the people, in percent.
        code: Country code of phones.
        trunk: What stands before a number that is written without the country code.
        phone_base: The least number of a range that the country gives out, as a whole number.
        phone_count: How many numbers from there on it gives out.
        area_digits: After how many digits a blank is written.
        spellings: How the country is written in its column, the usual way first.
        domains: Mail services of private people.
        postcode: What follows the place's digits: ``#`` is a digit, ``*`` two letters.
        places: City, state and the first digits of its postcodes.
    """

    weight: int
    code: str
    trunk: str
    phone_base: int
    phone_count: int
    area_digits: int
    spellings: tuple[str, ...]
    domains: tuple[str, ...]
    postcode: str
    places: tuple[tuple[str, str, str], ...]


# The United States give out their numbers by area; the other ranges are those of mobiles.
US_AREAS = (
    *("201", "202", "203", "205", "206", "207", "208", "209", "210", "212", "213", "214", "215"),
    *("216", "217", "218", "219", "224", "225", "228", "229", "231", "234", "239", "240", "248"),
    *("251", "252", "253", "254", "256", "260", "262", "267", "269", "270", "276", "281", "301"),
    *("302", "303", "304", "305", "307", "308", "309", "310", "312", "313", "314", "315", "316"),
    *("317", "318", "319", "320", "321", "323", "325", "330", "334", "336", "337", "339", "347"),
    *("351", "352", "360", "361", "386", "401", "402", "404", "405", "406", "407", "408", "409"),
    *("410", "412", "413", "414", "415", "417", "419", "423", "425", "430", "432", "434", "435"),
)
US_LINES = 8_000_000
"""Numbers of an area: 200-0000 to 999-9999."""

COUNTRIES = {
    "US": Country(
        *(40, "1", "", 0, len(US_AREAS) * US_LINES, 3),
        ("United States", "USA", "US"),
        ("gmail.com", "yahoo.com", "outlook.com", "hotmail.com", "icloud.com", "aol.com"),
        "##",
        (
            *(("Springfield", "IL", "627"), ("Portland", "OR", "972"), ("Boston", "MA", "021")),
            *(("Austin", "TX", "787"), ("Denver", "CO", "802"), ("Columbus", "OH", "432")),
            *(("San Diego", "CA", "921"), ("Tampa", "FL", "336"), ("Omaha", "NE", "681")),
        ),
    ),
    "GB": Country(
        *(20, "44", "0", 7_100_000_000, 200_000_000, 4),
        ("United Kingdom", "UK", "GB"),
        ("gmail.com", "outlook.com", "btinternet.com", "hotmail.com", "icloud.com"),
        " #*",
        (
            *(("Leeds", "", "LS1"), ("London", "", "SW1A"), ("Bristol", "", "BS8")),
            *(("Manchester", "", "M4"), ("Norwich", "", "NR2"), ("Sheffield", "", "S10")),
        ),
    ),
    "DE": Country(
        *(15, "49", "0", 15_100_000_000, 100_000_000, 3),
        ("Germany", "Deutschland", "DE"),
        ("gmail.com", "web.de", "gmx.de", "t-online.de", "outlook.com"),
        "##",
        (
            *(("Berlin", "", "101"), ("München", "", "803"), ("Köln", "", "506")),
            *(("Hamburg", "", "200"), ("Nürnberg", "", "904"), ("Dresden", "", "010")),
        ),
    ),
    "FR": Country(
        *(15, "33", "0", 640_000_000, 50_000_000, 3),
        ("France", "FR"),
        ("gmail.com", "orange.fr", "free.fr", "laposte.net", "outlook.com"),
        "##",
        (
            *(("Paris", "", "750"), ("Reims", "", "511"), ("Orléans", "", "450")),
            *(("Lyon", "", "690"), ("Nîmes", "", "300"), ("Bordeaux", "", "330")),
        ),
    ),
    "AU": Country(
        *(10, "61", "0", 400_000_000, 40_000_000, 3),
        ("Australia", "AU"),
        ("gmail.com", "bigpond.com", "outlook.com", "hotmail.com", "icloud.com"),
        "##",
        (
            *(("Sydney", "NSW", "20"), ("Melbourne", "VIC", "30"), ("Perth", "WA", "60")),
            *(("Brisbane", "QLD", "40"), ("Adelaide", "SA", "50"), ("Hobart", "TAS", "70")),
        ),
    ),
}

FIRST = (
    *("Ava", "Liam", "Noah", "Emma", "Olivia", "Mia", "Lucas", "Ethan", "Zoe", "Chloé", "Jürgen"),
    *("Björn", "Amélie", "Søren", "Niamh", "Siobhán", "Priya", "Arjun", "Mateo", "Lucía", "Hana"),
    *("Kenji", "Fatima", "Omar", "Ingrid", "Lars", "Freya", "Isla", "Harry", "Grace", "Oscar"),
    *("Ruby", "Jack", "Hugo", "Léa", "Manon", "Theo", "Clara", "Felix", "Greta", "Otto", "Ada"),
    *("Max", "Nora", "Finn", "Ella", "Leo", "Iris", "Sam", "Jade", "Robert", "William", "James"),
    *("Mary", "Patricia", "Jennifer", "Linda", "Elizabeth", "Susan", "Karen", "David", "Michael"),
    *("Thomas", "Daniel", "Matthew", "Anthony", "Mark", "Steven", "Andrew", "Paul", "Joshua"),
    *("Kevin", "Brian", "George", "Edward", "Ronald", "Timothy", "Jason", "Jeffrey", "Ryan"),
    *("Jean-Pierre", "Anne-Marie", "Karl-Heinz", "Mary Jane", "Wolfgang", "Ursula", "Brigitte"),
    *("Sven", "Anja", "Katrin", "Stefan", "Monika", "Nathalie", "Olivier", "Céline", "Étienne"),
)
LAST = (
    *("Abbott", "Baker", "Castillo", "Dubois", "Eriksen", "Fischer", "Grant", "Hoffmann", "Ito"),
    *("Jansen", "Keller", "Lambert", "Müller", "Nguyen", "O'Brien", "Patel", "Quinn", "Rossi"),
    *("Schmidt", "Tanaka", "Ueda", "Vargas", "Walsh", "Xu", "Young", "Zimmermann", "Archer"),
    *("Bennett", "Chapman", "Doyle", "Ellis", "Foster", "Gallagher", "Hughes", "Ingram", "Jenkins"),
    *("Knight", "Lawson", "Marsh", "Norton", "Owens", "Porter", "Reid", "Sutton", "Turner"),
    *("Underwood", "Vaughan", "Whitaker", "Yates", "Becker", "Schulz", "Wagner", "Krüger", "Vogel"),
    *("Moreau", "Lefèvre", "Girard", "Fournier", "Mercier", "Blanc", "Chevalier", "Garnier"),
    *("García", "Fernández", "Santos", "Silva", "Kowalski", "Novak", "Horvath", "Andersen"),
    *("van Dijk", "de Vries", "MacLeod", "McCarthy", "St. John", "Smith-Jones", "Lloyd-Price"),
    *("Robinson", "Clark", "Lewis", "Walker", "Hall", "Allen", "Wright", "Scott", "Green", "Adams"),
)
WORDS = (
    *("harbor", "summit", "cedar", "bright", "north", "lumen", "delta", "orchard", "granite"),
    *("willow", "copper", "meadow", "river", "stone", "maple", "falcon", "beacon", "silver"),
    *("prairie", "anchor", "canyon", "ember", "frost", "grove", "haven", "indigo", "juniper"),
    *("kestrel", "lantern", "mosaic", "nimbus", "opal", "pioneer", "quarry", "ridge", "saffron"),
)
FORMS = ("Ltd", "Inc.", "GmbH", "SARL", "Pty Ltd", "LLC", "& Sons", "Group")
STREETS = ("Main Street", "Station Road", "Church Lane", "Hauptstraße", "Rue de la Paix", "High St")
TITLES = (
    "",
    "",
    "",
    "CEO",
    "Buyer",
    "Facility Manager",
    "Head of Sales",
    "Owner",
    "Office Manager",
)
STATUSES = (
    *("Open - Not Contacted", "Working - Contacted", "Closed - Converted"),
    *("Closed - Not Converted", "Qualified", "Nurturing"),
)
LEAD_SOURCES = ("Web", "Referral", "Trade Show", "Partner", "Purchased List", "Phone Inquiry")
PRODUCTS = ("roofing", "solar", "windows", "hvac", "insurance", "")
NOTES = (
    *("", "", "", "", "", "Called, left a message", "Asked for a quote by email"),
    *("Wants a call back after the holidays, mornings are best", "Met at the fair in spring"),
    *('Said "not before summer"', "Has two properties, both need work", "Not the decision maker"),
)
