"""Templates are rendered with what the expression around them sees, and within its budget."""

import pytest

from octo import expr
from octo.expr.errors import ExprError
from octo.expr.scope import Scope
from octo.expr.template import Template
from octo.expr.templates import Templates, check, misspelt

FILES = {
    "page.html": '<ul>{{ body.items.map(i, templateResource("row.html")).join("") }}</ul>',
    "row.html": "<li>{{ i.name }}</li>",
    "tree.html": '<i>{{ i.name }}{{ i.children.map(i, templateResource("tree.html")).join("") }}</i>',
    "top.html": '{{ [body].map(i, templateResource("tree.html")).join("") }}',
    "text.txt": "{{ body.name }} & {{ i }}",
    "both.html": '<b>{{ templateResource("text.txt") }}</b>',
    "open.tmpl": "{{ body.name }}<br>",
    "uses.html": '<b>{{ templateResource("open.tmpl") }}</b>',
    "self.txt": 'x{{ templateResource("self.txt") }}',
    "one.txt": '{{ body.n > 0 ? templateResource("two.txt") : "end" }}',
    "two.txt": '{{ templateResource("one.txt") }}',
    "bad.txt": "a\n  {{ body.gone }}",
    "outer.txt": '{{ templateResource("bad.txt") }}',
    "any.html": "<b>{{ templateResource(body.which) }}</b>",
    "kinds.txt": '{{ 5.0 }} {{ 1.5 }} {{ null }} {{ [true] }} {{ {"a": "x"} }} {{ b"hi" }} {{ duration("90s") }}',
    "price.txt": "{{ i.price * 2 + size(i.name) }}",
    "loop.txt": "{{ body.items.map(a, body.items.map(b, body.items.map(c, 1))).size() }}",
    "now.txt": "{{ moment }} {{ moment }}",
    "set.txt": "{{ settings.level }}|{{ body }}|{{ vars }}",
}
MOMENTS = iter(range(1000))


def scope_of(files=FILES, **names):
    names = names or {"body": "body", "moment": "tick()"}
    templates = Templates({name: Template(name, text) for name, text in files.items()})
    return Scope(("body",), names, globals={"tick": lambda: next(MOMENTS)}, templates=templates)


SCOPE = scope_of()


def render(name: str, body=None):
    return expr.compile(f'templateResource("{name}")', SCOPE)(body)


def test_a_row_for_each_item():
    """A template sees the variables of the loops around it; what it renders is markup for another one."""
    body = {"items": [{"name": "<Ada>"}, {"name": "Bob & Co"}]}

    assert render("page.html", body) == "<ul><li>&lt;Ada&gt;</li><li>Bob &amp; Co</li></ul>"
    assert expr.compile('body.items.map(i, templateResource("row.html"))', SCOPE)(body) == [
        "<li>&lt;Ada&gt;</li>",
        "<li>Bob &amp; Co</li>",
    ]


def test_a_template_may_render_itself():
    """For what is nested."""
    leaf = {"name": "b", "children": []}

    assert render("top.html", {"name": "a", "children": [leaf]}) == "<i>a<i>b</i></i>"


@pytest.mark.parametrize("name", ["self.txt", "one.txt"])
def test_but_only_eight_deep(name):
    """Also in a circle of several."""
    with pytest.raises(ExprError, match="nested more than 8 deep"):
        render(name, {"n": 1})


def test_eight_deep_is_allowed():
    files = {f"{n}.txt": f'{n}{{{{ templateResource("{n + 1}.txt") }}}}' for n in range(1, 8)} | {"8.txt": "8"}

    assert expr.compile('templateResource("1.txt")', scope_of(files))(None) == "12345678"


def test_text_in_markup_is_text():
    """A text file with a value in it is escaped as a whole; a file of no known kind becomes markup there."""
    assert render("text.txt", {"name": "<b>"}) == "<b> & null"
    assert render("both.html", {"name": "<b>"}) == "<b>&lt;b&gt; &amp; null</b>"
    assert render("open.tmpl", {"name": "<b>"}) == "<b><br>"
    assert render("uses.html", {"name": "<b>"}) == "<b>&lt;b&gt;<br></b>"


def test_a_name_may_be_computed():
    """One that is not declared is an error of the message."""
    assert render("any.html", {"which": "row.html"}) == "<b><li>null</li></b>"
    assert render("any.html", {"which": "text.txt", "name": "<"}) == "<b>&lt; &amp; null</b>"
    with pytest.raises(ExprError, match="no template is called"):
        render("any.html", {"which": "../secret"})
    with pytest.raises(ExprError, match="named by a text, found int"):
        render("any.html", {"which": 5})


def test_an_unknown_name_is_found_when_the_expression_is_built():
    """With the nearest one."""
    with pytest.raises(ExprError, match=r"no template is called 'pag\.html'.*Did you mean `page\.html`") as caught:
        expr.compile('1 == 1 ? templateResource("pag.html") : ""', SCOPE)
    assert caught.value.column == 27


def test_an_error_names_the_place_in_the_template():
    """The innermost one."""
    with pytest.raises(ExprError, match=r"bad\.txt:2:11: no such key: gone"):
        render("outer.txt", {"x": 1})


def test_values_are_written_as_texts_are_elsewhere():
    """As in log messages and headers."""
    assert render("kinds.txt") == '5 1.5 null [true] {"a":"x"} aGk= 90s'


def test_names_that_the_place_lacks_are_null():
    """A template is written once for several places."""
    scope = scope_of(settings="body")

    assert expr.compile('templateResource("set.txt")', scope)({"level": 3}) == "3|null|null"
    assert render("set.txt", 1) == "null|1|null"


def test_what_null_cannot_do_fails_when_it_is_rendered():
    """Not before: the template may be made for a loop that knows the name."""
    with pytest.raises(ExprError, match=r"price\.txt:1:12: "):
        render("price.txt")


def test_one_moment_for_the_whole_page():
    """As in an expression."""
    first, second = render("now.txt").split()

    assert first == second
    assert expr.compile('templateResource("now.txt") == string(moment) + " " + string(moment)', SCOPE)(None) is True


def test_the_budget_is_that_of_the_expression():
    """A template in a loop cannot spend a whole budget in each round, and no `||` goes on after it."""
    body = {"items": [1] * 150}
    once = expr.compile('templateResource("loop.txt")', SCOPE)

    assert once({"items": [1] * 80}) == "80"
    for text in (
        'body.items.map(x, templateResource("loop.txt"))',
        'body.items.exists(x, templateResource("loop.txt") == "")',
    ):
        with pytest.raises(ExprError, match="too expensive"):
            expr.compile(text, SCOPE)(body)


def test_what_fails_in_a_template_is_not_absorbed():
    """What it has spent would not be counted."""
    with pytest.raises(ExprError, match="no such key: gone"):
        expr.compile('templateResource("bad.txt") == "" || true', SCOPE)({})


def test_what_is_rendered_is_bounded():
    """16 Mi characters."""
    scope = scope_of({"big.txt": "x" * 1_000_000, "all.txt": "".join(['{{ templateResource("big.txt") }}'] * 20)})

    with pytest.raises(ExprError, match=r"`all\.txt` renders more than 16,777,216 characters"):
        expr.compile('templateResource("all.txt")', scope)(None)


def test_equal_templates_are_equal():
    """So that a reload keeps the programs that render them."""
    one, other = (Templates({"a": Template("a", "x")}) for _ in range(2))

    assert one == other
    assert hash(one) == hash(other)
    assert one != Templates({"a": Template("a", "y")})


def test_check_finds_what_is_wrong_with_any_of_them():
    """Before a message needs it, with its place in the template."""
    scope = scope_of({"a.txt": "ok", "b.txt": "\n{{ nope(1) }}", "c.txt": '{{ templateResource("d") }}'})
    found = [(template.name, error.line, error.column) for template, error in check(scope.templates, scope)]

    assert found == [("b.txt", 2, 4), ("c.txt", 1, 21)]


def test_without_templates_it_says_so():
    """As in `octo eval`."""
    with pytest.raises(ExprError, match="belong to a configuration"):
        expr.compile('templateResource("x")', Scope(()))()


def test_misspelt_names_are_found():
    """Once the templates are compiled; names that are near to no other may be those of a loop."""
    scope = scope_of({"a.txt": "{{ item }} {{ bdy }}"})
    assert [*check(scope.templates, scope)] == []

    assert [(each.name, error.column) for each, error in misspelt(scope.templates, scope)] == [("a.txt", 15)]


def test_why_shows_what_was_rendered():
    """A template is one piece of the expression."""
    why = expr.why('templateResource("open.tmpl").size() > 1', SCOPE, {"name": "<"})

    assert why.value is True
    assert 'templateResource("open.tmpl")  → "<<br>"' in str(why)
