"""The words in and around names that are not the name. Data only."""

# Written form -> what is stored. Keys in lower case without full stops.
HONORIFICS = {
    "mr": "Mr", "mister": "Mr", "mrs": "Mrs", "ms": "Ms", "miss": "Miss", "mx": "Mx", "dr": "Dr",
    "doctor": "Dr", "prof": "Prof", "professor": "Prof", "rev": "Rev", "reverend": "Rev",
    "hon": "Hon", "sir": "Sir", "sra": "Sra", "srta": "Srta", "herr": "Herr", "frau": "Frau",
    "mme": "Mme", "mlle": "Mlle",
}  # fmt: skip
# With a full stop only: Sr is also Senior, Fr and Lt are syllables of names.
DOTTED_HONORIFICS = {
    "sr": "Sr", "fr": "Fr", "capt": "Capt", "lt": "Lt", "sgt": "Sgt", "col": "Col", "gen": "Gen",
    "maj": "Maj", "cpl": "Cpl",
}  # fmt: skip
# These stand for a person without a name: `Dr.` alone in the first name is no first name.
LONE_HONORIFICS = ("mr", "mrs", "ms", "mx", "dr", "prof", "rev")

# Generations come first where several are stored: the guards compare the first word.
GENERATIONS = {
    "jr": "Jr", "junior": "Jr", "sr": "Sr", "senior": "Sr", "ii": "II", "iii": "III", "iv": "IV",
    "2nd": "II", "3rd": "III", "4th": "IV",
}  # fmt: skip
DEGREES = {
    "md": "MD", "phd": "PhD", "dds": "DDS", "dmd": "DMD", "dvm": "DVM", "esq": "Esq",
    "esquire": "Esq", "cpa": "CPA", "mba": "MBA", "rn": "RN", "jd": "JD", "dpm": "DPM",
    "pharmd": "PharmD", "edd": "EdD", "cfp": "CFP",
}  # fmt: skip
# Behind a comma only: Do, Ma, Pa and V are names or initials.
COMMA_SUFFIXES = {
    "v": "V", "do": "DO", "ma": "MA", "pa": "PA", "ba": "BA", "bs": "BS", "od": "OD", "pe": "PE",
    "np": "NP", "dc": "DC",
}  # fmt: skip

# Parts of the last name that a middle name never is.
PARTICLES = (
    "van", "von", "vom", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "du", "la",
    "las", "los", "al", "el", "bin", "binti", "ibn", "ter", "ten", "zu", "zum", "zur", "st",
)  # fmt: skip
# Of these, what is written small where nothing is known of the person. `Di`, `La`, `Le` and `El`
# mostly are capital in the USA, where most names in capitals come from.
SMALL_PARTICLES = (
    "van der", "van den", "van de", "von der", "de la", "de las", "de los", "van", "von", "vom",
    "de", "del", "da", "dos", "das", "du", "bin", "binti", "ibn", "ter", "ten", "zu", "zum", "zur",
    "y",
)  # fmt: skip
# `Mc` is certain, `Mac` is not (Mack, Macias, Machado): only these.
MAC_NAMES = (
    "MacAllister", "MacArthur", "MacAulay", "MacBeth", "MacBride", "MacCallum", "MacCormack",
    "MacDonald", "MacDonnell", "MacDougall", "MacDowell", "MacDuff", "MacEwan", "MacFarlane",
    "MacGowan", "MacGregor", "MacGyver", "MacInnes", "MacInnis", "MacIntosh", "MacIntyre",
    "MacIsaac", "MacIver", "MacKay", "MacKenna", "MacKenzie", "MacKinnon", "MacKinley",
    "MacLachlan", "MacLaren", "MacLaughlin", "MacLean", "MacLellan", "MacLennan", "MacLeod",
    "MacMahon", "MacManus", "MacMaster", "MacMillan", "MacNab", "MacNamara", "MacNeil",
    "MacNeill", "MacPhail", "MacPherson", "MacQuarrie", "MacQueen", "MacRae", "MacTavish",
    "MacVicar",
)  # fmt: skip

# Legal forms and the like, at the end of what is no person's name.
BUSINESS_ENDINGS = (
    "inc", "incorporated", "llc", "l.l.c", "ltd", "limited", "corp", "corporation", "co", "company",
    "llp", "pllc", "plc", "gmbh", "pty", "bhd", "trust", "holdings", "properties", "associates",
    "partners", "enterprises", "foundation", "estate",
)  # fmt: skip

# What stands in for a name, with anything or nothing for the space. `Test` and `Null` are people.
PLACEHOLDERS = (
    "unknown", "anonymous", "no name", "not provided", "not given", "not available",
    "no first name", "no last name", "first name", "last name", "full name", "undefined",
    "unnamed", "nameless", "tbd", "xxx", "asdf",
)  # fmt: skip
