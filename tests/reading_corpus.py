"""Small files as bytes, with the rows and rejects that reading must give.

`CASES` is written by hand, one case per thing that people send; `crossed_cases` crosses
encodings, dialects and kinds of damage so that each pair of two occurs.
"""

import itertools
from dataclasses import dataclass, replace

from flows.reading import ReadingHints
from tests.files import Row, Written


@dataclass(frozen=True)
class Case:
    """A file and what it must give: rows and rejects, each with its line."""

    name: str
    content: bytes
    rows: list[tuple[int, *Row]]
    rejects: list[tuple[int, str]]
    columns: tuple[str, ...] | None = None
    hints: ReadingHints | None = None


def _case(
    name: str,
    content: bytes | str,
    rows: list[tuple[int, *Row]],
    rejects: list[tuple[int, str]] | None = None,
    columns: str | None = None,
    **hints: object,
) -> Case:
    raw = content.encode() if isinstance(content, str) else content
    names = tuple(columns.split("|")) if columns is not None else None
    told = ReadingHints(**hints) if hints else None  # type: ignore[arg-type]
    return Case(name, raw, rows, rejects or [], names, told)


H = "id,name,city\n"
A = "1,Ann,Rome\n"
B = "2,Bob,Oslo\n"
ANN, BOB = (2, "1", "Ann", "Rome"), (3, "2", "Bob", "Oslo")
BOB4, BOB5 = (4, "2", "Bob", "Oslo"), (5, "2", "Bob", "Oslo")

CASES = [
    # Encoding
    _case("plain ascii", H + A + B, [ANN, BOB]),
    _case("no line end at the end", H + A + B[:-1], [ANN, BOB]),
    _case("utf-8", H + "1,Zoë,Łódź\n", [(2, "1", "Zoë", "Łódź")]),
    _case("utf-8 mark", b"\xef\xbb\xbf" + (H + A).encode(), [ANN], columns="id|name|city"),
    _case("twice encoded mark", b"\xc3\xaf\xc2\xbb\xc2\xbf" + (H + A).encode(), [ANN]),
    _case(
        "mark inside the header",
        b"\xef\xbb\xbf\xef\xbb\xbf" + (H + A).encode(),
        [ANN],
        columns="id|name|city",
    ),
    _case("utf-16 mark le", (H + A).encode("utf-16"), [ANN]),
    _case("utf-16 mark be", b"\xfe\xff" + (H + A).encode("utf-16-be"), [ANN]),
    _case("utf-16 no mark", (H + A).encode("utf-16-be"), [ANN]),
    _case("utf-32", (H + A).encode("utf-32"), [ANN]),
    _case(
        "utf-16 with U+0A0D",
        ("id,name,city\n1,\u0a0d\u0d0a,x\n").encode("utf-16"),
        [(2, "1", "\u0a0d\u0d0a", "x")],
    ),
    _case(
        "utf-16 cut in a unit",
        (H + A + "2,Bob,Os").encode("utf-16")[:-1],
        [ANN],
        [(3, "undecodable_bytes")],
    ),
    _case(
        "windows-1252", (H + "1,O’Brien,Málaga\n").encode("cp1252"), [(2, "1", "O’Brien", "Málaga")]
    ),
    _case("windows-1252 euro", (H + "1,José,5 €\n").encode("cp1252"), [(2, "1", "José", "5 €")]),
    _case("latin-1", (H + "1,Jörg,Köln\n").encode("latin-1"), [(2, "1", "Jörg", "Köln")]),
    _case("mac roman", (H + "1,José,Málaga\n").encode("mac_roman"), [(2, "1", "José", "Málaga")]),
    _case(
        "mac roman umlauts",
        (H + "1,Jürgen,Köln\n").encode("mac_roman"),
        [(2, "1", "Jürgen", "Köln")],
    ),
    _case(
        "utf-8 with one bad line",
        (H + "1,Zoë,Rome\n").encode() + b"2,\xff,x\n" + b"3,Al,y\n",
        [(2, "1", "Zoë", "Rome"), (4, "3", "Al", "y")],
        [(3, "undecodable_bytes")],
    ),
    _case(
        "letters cut in two, in cells one below the other",
        (H + "1,Zoë,Rome\n").encode()
        + b"2,"
        + b"x" * 40
        + b"\xc3,x\n"
        + b"3,\xa9"
        + b"y" * 40
        + b",x\n"
        + "4,Zoë,Rome\n5,Zoë,Rome\n".encode(),
        [(2, "1", "Zoë", "Rome"), (5, "4", "Zoë", "Rome"), (6, "5", "Zoë", "Rome")],
        [(3, "undecodable_bytes"), (4, "undecodable_bytes")],
    ),
    _case(
        "windows-1252 with a hole",
        (H + "1,José,Málaga\n").encode("cp1252") + b"2,\x81,x\n",
        [(2, "1", "José", "Málaga")],
        [(3, "undecodable_bytes")],
    ),
    _case(
        "named shift-jis",
        (H + "1,山田,東京\n").encode("shift_jis"),
        [(2, "1", "山田", "東京")],
        encoding="shift_jis",
    ),
    _case(
        "named gb18030",
        (H + "1,王,北京\n").encode("gb18030"),
        [(2, "1", "王", "北京")],
        encoding="gb18030",
    ),
    _case(
        "named cp1251",
        (H + "1,Анна,Омск\n").encode("cp1251"),
        [(2, "1", "Анна", "Омск")],
        encoding="cp1251",
    ),
    _case("named ebcdic", (H + A).encode("cp037"), [ANN], encoding="cp037"),
    _case(
        "named iso2022",
        (H + "1,山田,東京\n").encode("iso2022_jp"),
        [(2, "1", "山田", "東京")],
        encoding="iso2022_jp",
    ),
    _case("named over a false mark", b"\xff\xfe" + (H + A).encode(), [ANN], encoding="utf-8"),
    _case("mojibake is mended", H + "1,JosÃ©,MÃ¼nchen\n", [(2, "1", "José", "München")]),
    _case("mojibake of quotes", H + "1,Oâ€™Brien,x\n", [(2, "1", "O’Brien", "x")]),
    _case("uncertain mojibake stays", H + "1,CAFÉ™,x\n", [(2, "1", "CAFÉ™", "x")]),
    _case("a lost character is not stored", H + "1,Jos\ufffd,x\n", [(2, "1", None, "x")]),
    # Dialect
    _case("semicolon", "id;name\n1;a,b\n", [(2, "1", "a,b")]),
    _case("tab", "id\tname\n1\ta b\n", [(2, "1", "a b")]),
    _case("pipe", "id|name\n1|a;b\n", [(2, "1", "a;b")]),
    _case("tab, all blank but one", "id\tname\tx\n\t\tz\n", [(2, "", "", "z")]),
    _case("decimal commas", "id;sum\n1;1,5\n2;2,5\n", [(2, "1", "1,5"), (3, "2", "2,5")]),
    _case("delimiters in the header", "id;last, first;x\n1;a, b;y\n", [(2, "1", "a, b", "y")]),
    _case("single quotes", "id,name\n1,'a, b'\n2,'it''s'\n", [(2, "1", "a, b"), (3, "2", "it's")]),
    _case(
        "apostrophes are no quotes",
        "id,name\n1,'tis\n2,boys'\n",
        [(2, "1", "'tis"), (3, "2", "boys'")],
    ),
    _case(
        "no quoting",
        'id\tname\n1\t"a\n2\t"b\n3\t"c\n',
        [(2, "1", '"a'), (3, "2", '"b'), (4, "3", '"c')],
    ),
    _case(
        "doubled quotes", 'id,name\n1,"a ""b"" c"\n2,""""\n', [(2, "1", 'a "b" c'), (3, "2", '"')]
    ),
    _case(
        "backslash escapes",
        'id,name\n1,"a \\"b\\" c"\n2,"x\\\\"\n',
        [(2, "1", 'a "b" c'), (3, "2", "x\\")],
    ),
    _case(
        "backslash is text",
        'id,name\n1,"C:\\new"\n2,"C:\\"\n',
        [(2, "1", "C:\\new"), (3, "2", "C:\\")],
    ),
    _case("quoted empty", 'id,name\n"1",""\n', [(2, "1", "")]),
    _case("quotes inside a plain field", 'id,name\n1,5" pipe\n', [(2, "1", '5" pipe')]),
    _case("crlf", "id,name\r\n1,a\r\n2,b\r\n", [(2, "1", "a"), (3, "2", "b")]),
    _case("cr", "id,name\r1,a\r2,b\r", [(2, "1", "a"), (3, "2", "b")]),
    _case(
        "mixed line ends",
        "id,name\r\n1,a\n2,b\r3,c\n",
        [(2, "1", "a"), (3, "2", "b"), (4, "3", "c")],
    ),
    _case("cr cr lf", "id,name\r\r\n1,a\r\r\n", [(3, "1", "a")]),
    _case("line break in a cell", 'id,name\n1,"a\nb"\n2,c\n', [(2, "1", "a\nb"), (4, "2", "c")]),
    _case(
        "crlf in a cell", 'id,name\r\n1,"a\r\nb"\r\n2,c\r\n', [(2, "1", "a\r\nb"), (4, "2", "c")]
    ),
    _case("cr in a quoted cell", 'id,name\n1,"a\rb"\n2,c\n', [(2, "1", "a\rb"), (3, "2", "c")]),
    _case(
        "lf in a cell of a cr file", 'id,name\r1,"a\nb"\r2,c\r', [(2, "1", "a\nb"), (4, "2", "c")]
    ),
    _case(
        "break in the header", 'id,"full\nname"\n1,a\n', [(3, "1", "a")], columns="id|full\nname"
    ),
    _case("title before", "Leads of May\n\n" + H + A, [(4, "1", "Ann", "Rome")]),
    _case("padded title before", "Leads of May,,\n" + H + A, [(3, "1", "Ann", "Rome")]),
    _case("notes before", "Generated: 2026-05-01\nBy: Kim\n" + H + A, [(4, "1", "Ann", "Rome")]),
    _case(
        "note pairs before",
        "Report:,Leads,\nDate:,2026-05-01,\n" + H + A,
        [(4, "1", "Ann", "Rome")],
    ),
    _case("sep line", "sep=;\nid;name\n1;a\n", [(3, "1", "a")], columns="id|name"),
    _case(
        "sep line in utf-16",
        "sep=\t\r\nid\tname\r\n1\ta\r\n".encode("utf-16"),
        [(3, "1", "a")],
        columns="id|name",
    ),
    _case(
        "blank lines",
        "\n" + H + "\n" + A + "\n\n" + B + "\n",
        [(4, "1", "Ann", "Rome"), (7, "2", "Bob", "Oslo")],
    ),
    _case("blank records", H + A + ",,\n" + B + ",,\n,,\n", [ANN, BOB4]),
    _case("blank first column", "id,name,x\n,a,b\n", [(2, "", "a", "b")]),
    _case("nameless column", "id,,city\n1,a,b\n", [(2, "1", "a", "b")], columns="id|column_2|city"),
    _case(
        "duplicate names", "id,mail,mail\n1,a,b\n", [(2, "1", "a", "b")], columns="id|mail|mail (2)"
    ),
    _case("a name of ours", "line_no,name\n1,a\n", [(2, "1", "a")], columns="line_no (2)|name"),
    _case(
        "trailing delimiters", "id,name,\n1,a,\n", [(2, "1", "a", "")], columns="id|name|column_3"
    ),
    _case(
        "trailing delimiters in records", "id,name\n1,a,\n2,b,\n", [(2, "1", "a"), (3, "2", "b")]
    ),
    _case(
        "trailing delimiter in the header",
        "id,name,\n1,a\n2,b\n",
        [(2, "1", "a", ""), (3, "2", "b", "")],
    ),
    _case(
        "row numbers, nameless",
        ",name,city\n0,a,x\n1,b,y\n",
        [(2, "0", "a", "x"), (3, "1", "b", "y")],
        columns="column_1|name|city",
    ),
    _case(
        "row numbers, not in the header",
        "name\tcity\n1\ta\tx\n2\tb\ty\n",
        [(2, "1", "a", "x"), (3, "2", "b", "y")],
        columns="column_1|name|city",
    ),
    _case("one column", "email\na@b.co\nc@d.co\n", [(2, "a@b.co"), (3, "c@d.co")], columns="email"),
    _case(
        "no header",
        "1,a@b.co,x\n2,c@d.co,y\n",
        [(1, "1", "a@b.co", "x"), (2, "2", "c@d.co", "y")],
        columns="column_1|column_2|column_3",
    ),
    _case("header only", H, [], columns="id|name|city"),
    _case("told delimiter", "a;b|c\n1;2|3\n", [(2, "1;2", "3")], delimiter="|"),
    _case("told quoting", 'id,name\n1,"a"\n', [(2, "1", '"a"')], quote=""),
    _case(
        "told header line",
        "x,y,z\nid,name,city\n1,a,b\n",
        [(3, "1", "a", "b")],
        columns="id|name|city",
        header_line=2,
    ),
    _case(
        "known names",
        "Foo,Bar,Baz\nid,name,city\n1,a,b\n",
        [(3, "1", "a", "b")],
        columns="id|name|city",
        known_names=frozenset({"id", "name", "city"}),
    ),
    # No records
    _case("total", H + A + "Total,,1\n", [ANN], [(3, "not_a_record")]),
    _case("grand total of another width", H + A + "Grand Total:,1\n", [ANN], [(3, "not_a_record")]),
    _case(
        "subtotal in the middle", H + A + "Subtotal,,5\n" + B, [ANN, BOB4], [(3, "not_a_record")]
    ),
    _case("total in the second column", H + A + ",TOTAL,$15\n", [ANN], [(3, "not_a_record")]),
    _case(
        "a person named Total",
        H + A + "3,Total,Rome\nTotal,Ann,Rome\n",
        [ANN, (3, "3", "Total", "Rome"), (4, "Total", "Ann", "Rome")],
    ),
    _case("disclaimer", H + A + "This list is confidential.\n", [ANN], [(3, "not_a_record")]),
    _case(
        "disclaimer with commas",
        H + A + "Do not share, copy, sell, or rent this.\n",
        [ANN],
        [(3, "not_a_record")],
    ),
    _case(
        "two footers after a blank",
        H + A + "\nGenerated by X\n42 records\n",
        [ANN],
        [(4, "not_a_record"), (5, "not_a_record")],
    ),
    _case("a rule of dashes", H + "-----\n" + A, [(3, "1", "Ann", "Rome")], [(2, "not_a_record")]),
    _case(
        "a note in the middle is damage",
        H + A + "called three times already\n" + B,
        [ANN, BOB4],
        [(3, "too_few_fields")],
    ),
    _case("header again", H + A + H + B, [ANN, BOB4], [(3, "not_a_record")]),
    _case(
        "header again with a mark",
        (H + A).encode() + b"\xef\xbb\xbf" + (H + B).encode(),
        [ANN, BOB4],
        [(3, "not_a_record")],
    ),
    _case(
        "header again, quoted",
        H + A + '"id","name","city"\n' + B,
        [ANN, BOB4],
        [(3, "not_a_record")],
    ),
    # Damage
    _case("too many", H + A + "9,x,y,STOP\n" + B, [ANN, BOB4], [(3, "too_many_fields")]),
    _case(
        "too many, after blanks", H + A + "9,x,y,,STOP\n" + B, [ANN, BOB4], [(3, "too_many_fields")]
    ),
    _case("too few", H + A + "9,x\n" + B, [ANN, BOB4], [(3, "too_few_fields")]),
    _case("cut off at the end", H + A + "9,x", [ANN], [(3, "too_few_fields")]),
    _case("cut off in the first field", H + A + "98", [ANN], [(3, "too_few_fields")]),
    _case(
        "unquoted break",
        H + "9,x\ny,z\n" + B,
        [BOB4],
        [(2, "too_few_fields"), (3, "too_few_fields")],
    ),
    _case("unclosed quote", H + A + '9,"x,y\n' + B, [ANN, BOB4], [(3, "unclosed_quote")]),
    _case(
        "unclosed in the last field", H + A + '9,x,"y\n' + B, [ANN, BOB4], [(3, "unclosed_quote")]
    ),
    _case(
        "unclosed, all quoted",
        '"id","name"\n"1","a"\n"2","b\n"3","c"\n',
        [(2, "1", "a"), (4, "3", "c")],
        [(3, "unclosed_quote")],
    ),
    _case("unclosed in the last record", H + A + '9,"x,y\n', [ANN], [(3, "unclosed_quote")]),
    _case(
        "two unclosed",
        H + '8,"x,y\n' + A + '9,"x,y\n' + B,
        [(3, "1", "Ann", "Rome"), BOB5],
        [(2, "unclosed_quote"), (4, "unclosed_quote")],
    ),
    _case(
        "unclosed before a quoted record",
        H + '9,"x,y\n' + '1,"Ann",Rome\n',
        [(3, "1", "Ann", "Rome")],
        [(2, "unclosed_quote")],
    ),
    _case(
        "unclosed before a cell of two lines",
        H + '9,"x,y\n' + '1,"A\nnn",Rome\n',
        [(3, "1", "A\nnn", "Rome")],
        [(2, "unclosed_quote")],
    ),
    _case(
        "damage in a cell of two lines",
        H + '9,"x "y" z\nmore",w\n' + B,
        [BOB4],
        [(2, "stray_quote")],
    ),
    _case("cut off in a quoted cell", H + A + '9,"x\ny\n\nz', [ANN], [(3, "unclosed_quote")]),
    _case(
        "unclosed before a footer",
        H + A + '9,"x,y\n' + "Grand Total,1\n",
        [ANN],
        [(3, "unclosed_quote"), (4, "not_a_record")],
    ),
    _case("text after a quote", H + A + '9,"Bob" Smith,y\n' + B, [ANN, BOB4], [(3, "stray_quote")]),
    _case("stray beside quoted", H + A + '9,5","y"\n' + B, [ANN, BOB4], [(3, "stray_quote")]),
    _case(
        "stray before a plain one",
        H + '9,"B" S,y\n8,5" pipe,z\n',
        [(3, "8", '5" pipe', "z")],
        [(2, "stray_quote")],
    ),
    _case("nul", H + A + "9,x\x00,y\n" + B, [ANN, BOB4], [(3, "nul_byte")]),
    _case("nul in quotes", H + A + '9,"x\x00",y\n' + B, [ANN, BOB4], [(3, "nul_byte")]),
    _case(
        "nul in utf-16",
        (H + A + "9,x\x00,y\n" + B).encode("utf-16"),
        [ANN, BOB4],
        [(3, "nul_byte")],
    ),
    _case("control", H + A + "9,x\x07,y\n" + B, [ANN, BOB4], [(3, "control_characters")]),
    _case("delete", H + A + "9,x\x7f,y\n" + B, [ANN, BOB4], [(3, "control_characters")]),
    _case(
        "control, also too few", H + A + "9,x\x0b\n" + B, [ANN, BOB4], [(3, "control_characters")]
    ),
    _case("end of file mark of DOS", H + A + "\x1a", [ANN], [(3, "control_characters")]),
    _case("lone cr", H + A + "9,x\ry,z\n" + B, [ANN, BOB4], [(3, "lone_cr")]),
    _case("lone cr in the last field", H + A + "9,x,y\rz\n" + B, [ANN, BOB4], [(3, "lone_cr")]),
    _case(
        "lone cr in crlf",
        (H + A + "9,x\ry,z\n" + B).replace("\n", "\r\n"),
        [ANN, BOB4],
        [(3, "lone_cr")],
    ),
    _case("tab in a cell", H + "1,a\tb,c\n", [(2, "1", "a\tb", "c")]),
]

JSON_CASES = [
    _case("json lines", '{"id":1,"a":"x"}\n{"id":2}\n', [(1, "1", "x"), (2, "2", None)]),
    _case(
        "json lines, nested",
        '{"a":{"b":{"c":"x"}},"p":["u","v"]}\n',
        [(1, "x", "u", "v")],
        columns="a.b.c|p.0|p.1",
    ),
    _case(
        "numbers as written",
        '{"a":4.10,"b":6285551234567890,"c":1e3}\n',
        [(1, "4.10", "6285551234567890", "1e3")],
    ),
    _case("true and null", '{"a":true,"b":null,"c":""}\n', [(1, "true", None, "")]),
    _case("a key twice", '{"a":1,"a":2}\n', [(1, "1", "2")], columns="a|a (2)"),
    _case(
        "objects in lists", '{"p":[{"n":"1"},{"n":"2"}]}\n', [(1, "1", "2")], columns="p.0.n|p.1.n"
    ),
    _case(
        "one broken line",
        '{"id":1}\n{"id":2,\n{"id":3}\n',
        [(1, "1"), (3, "3")],
        [(2, "broken_json")],
    ),
    _case("blank lines in json lines", '\n{"id":1}\n\n{"id":2}', [(2, "1"), (4, "2")]),
    _case(
        "not an object",
        '{"id":1}\n[1]\n"x"\n',
        [(1, "1")],
        [(2, "not_an_object"), (3, "not_an_object")],
    ),
    _case("nul escape", '{"id":1}\n{"id":"a\\u0000"}\n', [(1, "1")], [(2, "nul_byte")]),
    _case(
        "control escape", '{"id":1}\n{"id":"a\\u0007"}\n', [(1, "1")], [(2, "control_characters")]
    ),
    _case(
        "half a surrogate", '{"id":1}\n{"id":"\\ud83d"}\n', [(1, "1")], [(2, "undecodable_bytes")]
    ),
    _case("a pair of surrogates", '{"id":"\\ud83d\\ude00"}\n', [(1, "😀")]),
    _case(
        "bad utf-8 in json",
        '{"id":"é"}\n'.encode() + b'{"id":"\xff"}\n',
        [(1, "é")],
        [(2, "undecodable_bytes")],
    ),
    _case(
        "json lines with mark and crlf",
        b'\xef\xbb\xbf{"id":1}\r\n{"id":2}\r\n',
        [(1, "1"), (2, "2")],
    ),
    _case("json lines in utf-16", '{"id":1}\n{"id":2}\n'.encode("utf-16"), [(1, "1"), (2, "2")]),
    _case(
        "deliveries again and out of order",
        '{"event":2,"lead":{"id":7}}\n{"event":1,"lead":{"id":7}}\n{"event":2,"lead":{"id":7}}\n',
        [(1, "2", "7"), (2, "1", "7"), (3, "2", "7")],
        columns="event|lead.id",
    ),
    _case("array", '[{"id":1},\n {"id":2}]', [(1, "1"), (2, "2")]),
    _case(
        "array, pretty",
        '[\n  {\n    "id": 1,\n    "a": [\n      1\n    ]\n  }\n]\n',
        [(1, "1", "1")],
    ),
    _case("empty array", "[]", []),
    _case(
        "array, one broken",
        '[{"id":1},{"id":},{"id":3}]',
        [(1, "1"), (3, "3")],
        [(2, "broken_json")],
    ),
    _case(
        "array, a string not closed",
        '[{"id":1,"a":"x"},{"id":2,"a":"y},{"id":3,"a":"z"}]',
        [(1, "1", "x"), (3, "3", "z")],
        [(2, "broken_json")],
    ),
    _case("array cut off", '[{"id":1},{"id":2,"a":', [(1, "1")], [(2, "broken_json")]),
    _case(
        "wrapped records",
        '{\n"results": [{"id": 1}, {"id": 2}],\n"next": 2\n}',
        [(1, "1"), (2, "2")],
    ),
    _case(
        "one record",
        '{\n"id": 1,\n"phones": [{"n": "5"}]\n}',
        [(1, "1", "5")],
        columns="id|phones.0.n",
    ),
    _case("told path", '{"a": {"b": [{"id": 1}]}}', [(1, "1")], records_path="a.b"),
]

_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-be", "cp1252", "latin-1", "mac_roman")
_DIALECTS = tuple(
    Written(delimiter, quote, escape)
    for delimiter, quote, escape in [
        (",", '"', ""), (";", '"', ""), ("\t", '"', ""), ("|", '"', ""), (",", "'", ""),
        (";", "'", ""), ("\t", "", ""), ("|", "", ""), (",", '"', "\\"), (";", '"', "\\"),
    ]
)  # fmt: skip
_LINE_ENDS = ("\n", "\r\n", "\r")
_DAMAGES = (
    "none", "too_many_fields", "too_few_fields", "unclosed_quote", "stray_quote", "nul_byte",
    "control_characters", "lone_cr", "undecodable_bytes", "title", "total", "header_again",
    "footer", "trailing_delimiter", "blank_lines",
)  # fmt: skip
_HEADER = ("id", "name", "city", "note")
_TABLE = [
    ("1", "José", "Málaga", "first"),
    ("2", "Müller", "Köln", "second"),
    ("3", "François", "Besançon", "third"),
    ("4", "Zoë Núñez", "Cádiz", "fourth"),
]
_BAD_BYTES = {
    "utf-8": b"\xff", "utf-8-sig": b"\xff", "cp1252": b"\x81",
    "utf-16": b"\x00\xd8", "utf-16-be": b"\xd8\x00",
}  # fmt: skip


def crossed_cases() -> list[Case]:
    """Cases in which every pair of encoding, dialect, line end and damage occurs."""
    axes = (_ENCODINGS, _DIALECTS, _LINE_ENDS, _DAMAGES)
    return [case for combination in _pairwise(axes) if (case := _cross(*combination))]


def _pairwise(axes: tuple[tuple[object, ...], ...]) -> list[tuple[object, ...]]:
    """Few combinations that hold every pair: greedily, the one with most new pairs first."""

    def pairs(combination: tuple[object, ...]) -> set[tuple[object, ...]]:
        return set(itertools.combinations(enumerate(combination), 2))

    everything = [c for c in itertools.product(*axes) if _is_possible(*c)]
    missing = set().union(*(pairs(c) for c in everything))
    chosen = []
    while missing:
        best = max(everything, key=lambda c: len(pairs(c) & missing))
        chosen.append(best)
        missing -= pairs(best)
    return chosen


def _is_possible(encoding: object, dialect: object, line_end: object, damage: object) -> bool:
    assert isinstance(dialect, Written)
    if damage in ("unclosed_quote", "stray_quote") and not dialect.quote:
        return False
    if damage == "lone_cr" and line_end == "\r":
        return False
    return damage != "undecodable_bytes" or encoding in _BAD_BYTES


def _cross(encoding: object, dialect: object, line_end: object, damage: object) -> Case | None:
    assert isinstance(dialect, Written)
    assert isinstance(line_end, str)
    assert isinstance(encoding, str)
    assert isinstance(damage, str)
    written = replace(dialect, line_end=line_end)
    delimiter, quote = written.delimiter, written.quote
    table = list(_TABLE)
    if quote:
        table[3] = (*table[3][:3], f"a{delimiter} b {quote}c{quote} d")
        table[0] = (*table[0][:1], "José" + delimiter, *table[0][2:])
    lines = [written.row(row) for row in [_HEADER, *table]]
    rows: list[tuple[int, *Row]] = [(n, *row) for n, row in enumerate(table, start=2)]
    rejects: list[tuple[int, str]] = []
    broken = {
        "too_many_fields": lines[2] + delimiter + "STOP",
        "too_few_fields": delimiter.join(("2", "Müller")),
        "unclosed_quote": delimiter.join(("2", quote + "Müller", "Köln", "second")),
        "stray_quote": delimiter.join(("2", f"{quote}M{quote}ller", "Köln", "second")),
        "nul_byte": lines[2].replace("Köln", "K\x00ln"),
        "control_characters": lines[2].replace("Köln", "K\x1fln"),
        "lone_cr": lines[2].replace("Köln", "K\rln"),
        "undecodable_bytes": lines[2].replace("Köln", "K\ue000ln"),
    }
    if damage in broken:
        lines[2] = broken[damage]
        del rows[1]
        rejects = [(3, damage)]
    elif damage == "title":
        lines[:0] = ["Leads of May", ""]
        rows = [(line + 2, *row) for line, *row in rows]
    elif damage == "total":
        lines.append(delimiter.join(("Total", "", "", "4")))
        rejects = [(6, "not_a_record")]
    elif damage == "header_again":
        lines.insert(3, lines[0])
        rows[2:] = [(line + 1, *row) for line, *row in rows[2:]]
        rejects = [(4, "not_a_record")]
    elif damage == "footer":
        lines.append("This list is confidential")
        rejects = [(6, "not_a_record")]
    elif damage == "trailing_delimiter":
        lines = [line + delimiter for line in lines]
        rows = [(*row, "") for row in rows]
    elif damage == "blank_lines":
        lines = [part for line in lines for part in (line, "")]
        rows = [(2 * line - 1, *row) for line, *row in rows]
    text = line_end.join(lines) + line_end
    is_bad = damage == "undecodable_bytes"
    content = _with_bad_bytes(text, encoding) if is_bad else text.encode(encoding)
    name = f"{encoding} {delimiter!r}{quote}{written.escape} {line_end!r} {damage}"
    return Case(name, content, rows, rejects)


def _with_bad_bytes(text: str, encoding: str) -> bytes:
    before, after = text.split("\ue000")
    plain = encoding.removesuffix("-sig")
    tail = "utf-16-le" if encoding == "utf-16" else plain
    return before.encode(encoding) + _BAD_BYTES[encoding] + after.encode(tail)
