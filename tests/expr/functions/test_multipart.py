"""What stands in a part stays in it: no header, no name and no content can begin another."""

import pytest


def encoded(evaluate, name="a", **fields):
    """One part as it is sent, without the boundaries."""
    raw = evaluate("toMultipart(multipart().addPart(body.name, body.fields))", {"name": name, "fields": fields})
    text = raw["rawData"].decode("latin-1")
    return text.removeprefix("--octo-multipart\r\n").removesuffix("\r\n--octo-multipart--\r\n")


def refused(failure, **fields):
    return failure("toMultipart(multipart().addPart('a', body))", {"data": "x", **fields})


def test_a_part_as_it_is_sent(evaluate):
    assert encoded(evaluate, data="x", headers={"X-A": "1", "Content-Type": "ignored"}) == (
        'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain\r\nX-A: 1\r\n\r\nx'
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [('a"; x="', "a%22; x=%22"), ("a\r\nX-Evil: 1", "a%0D%0AX-Evil: 1"), ("a\rb", "a%0Db"), ("a\nb", "a%0Ab")],
)
def test_a_name_cannot_leave_its_quotes(evaluate, text, escaped):
    """Escaped as browsers do it."""
    assert encoded(evaluate, text, data="x", filename=text).startswith(
        f'Content-Disposition: form-data; name="{escaped}"; filename="{escaped}"\r\nContent-Type: '
    )


@pytest.mark.parametrize("text", ["x\r\nX-Evil: 1", "x\ny", "x\ry", "x\0y"])
@pytest.mark.parametrize("fields", ["type", "header", "value"])
def test_a_header_is_one_line(failure, text, fields):
    headers = {"header": {text: "1"}, "value": {"X-A": text}}.get(fields, {})
    error = refused(failure, headers=headers, contentType=text if fields == "type" else "text/plain")

    assert error.code == "OCTO-E209"
    assert "of a part has a line break" in error.message


@pytest.mark.parametrize("data", ["--octo-multipart", "x\r\n--octo-multipart--\r\n", b"1\r\n--octo-multipart\r\n"])
def test_a_part_cannot_contain_the_boundary(failure, data):
    """It would end there, and the rest be another part."""
    error = refused(failure, data=data)

    assert (error.code, error.hint) == ("OCTO-E209", "Choose another boundary")


def test_another_boundary_helps(evaluate):
    parts = "fromMultipart(toMultipart(multipart().addPart('a', body), 'other'))"
    assert evaluate(f"{parts}.a.data", "--octo-multipart") == "--octo-multipart"


@pytest.mark.parametrize("boundary", ["", "a\r\nb", 'a"b', "a b", "x" * 71])
def test_what_cannot_be_a_boundary_is_refused(failure, boundary):
    assert "cannot be a multipart boundary" in failure("toMultipart(multipart(), body)", boundary).message


def test_many_parts_of_one_name_are_counted_one_by_one(evaluate):
    text = "fromMultipart(toMultipart(multipart().addPart('a', '1').addPart('b', '2').addPart('a', '3')))"

    assert evaluate(f"{text}.a.map(each, each.data)") == ["1", "3"]
    assert evaluate(f"{text}.b.data") == "2"


def test_bytes_travel_as_they_are(evaluate):
    sent = encoded(evaluate, data=b"\xff\x00", filename="f")

    assert sent.endswith("\r\n\r\n\xff\x00")
    assert "Transfer-Encoding" not in sent
    back = "fromMultipart(toMultipart(multipart().addPart('a', {'filename': 'f', 'data': body}))).a"
    assert evaluate(f"{back}.data", b"\xff\x00") == b"\xff\x00"
    assert evaluate(f"{back}.size", b"\xff\x00") == 2


def received(evaluate, disposition, content_type="multipart/form-data; boundary=x"):
    """The part that a client sends with this header."""
    raw = f"--x\r\nContent-Disposition: {disposition}\r\n\r\n1\r\n--x--\r\n"
    (part,) = evaluate("fromMultipart(body)", {"contentType": content_type, "rawData": raw}).values()
    return part["name"], part["filename"]


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ("form-data; name=a; filename=b.txt", "a", "b.txt"),
        ('FORM-DATA;NAME="a";Filename="b c;d=e.txt"', "a", "b c;d=e.txt"),
        ('form-data; name="a"; filename="b%22c%0D%0A%2F.txt"', "a", 'b"c\r\n%2F.txt'),
        (r'form-data; name="a\"b"; filename="c\"; name=\"d"', 'a"b', 'c"; name="d'),
        (r'form-data; name="a"; filename="C:\dir\b.txt"', "a", r"C:\dir\b.txt"),
        ("form-data; name=\"a\"; filename*=UTF-8''%C3%BC.txt", "a", "ü.txt"),
        ('form-data; name="a"; filename="u.txt"; filename*=UTF-8\'\'%C3%BC.txt', "a", "u.txt"),
        ("form-data; name=\"a\"; filename*=nonsense''%C3", "a", ""),
        ('form-data; name=""; filename=""', "", ""),
    ],
)
def test_names_are_read_as_clients_write_them(evaluate, disposition, name, filename):
    """Browsers, curl, and old libraries."""
    assert received(evaluate, disposition) == (name, filename)


@pytest.mark.parametrize("content_type", ["Multipart/Form-Data; charset=utf-8; Boundary=x", 'a/b;boundary="x"; y=z'])
def test_a_boundary_is_a_parameter_like_any_other(evaluate, content_type):
    assert received(evaluate, 'form-data; name="a"', content_type) == ("a", "")


@pytest.mark.parametrize("text", ['a"b', "a\r\nb", r"C:\b", "ü", "a;b=c", " "])
def test_names_come_back(evaluate, text):
    found = "fromMultipart(toMultipart(multipart().addPart(body, {'filename': body, 'data': 'x'})))"
    assert evaluate(f"{found}[body].filename", text) == text
