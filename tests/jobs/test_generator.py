"""What is typed becomes exactly the jobs that are shown."""

from __future__ import annotations

import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vispa_panel.errors import JobRefused
from vispa_panel.jobs.derived import Formula
from vispa_panel.jobs.description import write_description
from vispa_panel.jobs.generator import Generator, template_as_json, template_from_json
from vispa_panel.jobs.values import Axis, table_of, values_of


@pytest.mark.parametrize(
    ("typed", "values"),
    [
        ("1, 2,5", "1 2 5"),
        ("0:1:0.1", "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1"),
        ("5:1:-2", "5 3 1"),
        ("1:2:0.3", "1 1.3 1.6 1.9"),
        ("log:1:1000:4", "1 10 100 1000"),
        ("lin:0:1:5", "0 0.25 0.5 0.75 1"),
        ("1e19, 2:4:1, adam", "1e19 2 3 4 adam"),
        ("", ""),
    ],
)
def test_a_typed_value_is_a_list_a_range_or_both(typed: str, values: str) -> None:
    assert values_of(typed) == tuple(values.split())


@pytest.mark.parametrize(
    "typed", ["0:1:0", "0:1:-1", "0:1e9:1", "log:0:1:3", "lin:0:1:99999", "0:1:1e-9"]
)
def test_a_range_that_leads_nowhere_or_too_far_is_refused(typed: str) -> None:
    with pytest.raises(JobRefused):
        values_of(typed)


@given(text=st.text(max_size=80) | st.from_regex(r"\A[-0-9e.:, log]{0,30}\Z"))
def test_whatever_is_typed_gives_values_or_is_refused(text: str) -> None:
    try:
        values = values_of(text)
    except JobRefused:
        return

    assert all(isinstance(value, str) for value in values)


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_table_names_its_columns_in_its_first_line(sign: str) -> None:
    text = "E,name\n1e19,proton\n\n1e20,iron\n".replace(",", sign)

    assert table_of(text) == (Axis("E", ("1e19", "1e20")), Axis("name", ("proton", "iron")))


@pytest.mark.parametrize("text", ["", "a,b", "a,b\n1", "a b,c\n1,2", 'a\n"x', "1a\n2"])
def test_a_table_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(JobRefused):
        table_of(text)


def test_blocks_are_multiplied_and_what_is_in_one_goes_together() -> None:
    together = (Axis("a", ("1", "2")), Axis("b", ("x", "y")))
    made = Generator(
        command="run.py --a {a} --b={b} -c {c} {twice}",
        blocks=(together, (Axis("c", ("0.1", "0.2")),)),
        derived=(("twice", "2 * c"),),
    )

    points = made.points()

    assert made.count == len(points) == 4
    assert points[1].argv == ("run.py", "--a", "1", "--b=x", "-c", "0.2", "0.4")
    assert [point.folder for point in points] == [
        "a_1/b_x/c_0.1",
        "a_1/b_x/c_0.2",
        "a_2/b_y/c_0.1",
        "a_2/b_y/c_0.2",
    ]
    assert made.preview(1) == ("run.py --a 1 --b=x -c 0.1 0.2",)


VALUE = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@given(values=st.lists(VALUE, min_size=1, max_size=6, unique=True))
def test_a_value_is_one_word_whatever_it_holds_and_its_folder_is_its_own(
    values: list[str],
) -> None:
    made = Generator(command="echo 'a b' {x} p{x}q", blocks=((Axis("x", tuple(values)),),))

    points = made.points()

    assert [point.argv for point in points] == [("echo", "a b", v, f"p{v}q") for v in values]
    assert [tuple(shlex.split(line)) for line in made.preview()] == [one.argv for one in points]
    assert len({point.folder for point in points}) == len(values)
    for point in points:
        assert ".." not in point.folder.split("/")
        assert not point.folder.startswith("/")


def test_10000_points_are_made_and_written_in_two_seconds() -> None:
    made = Generator(
        command="run.py {a} {b} {c}",
        blocks=((Axis("a", values_of("1:100:1")),), (Axis("b", values_of("1:100:1")),)),
        derived=(("c", "sqrt(a**2 + b**2)"),),
    )
    start = time.perf_counter()

    text = write_description(made.request("/home/x", name="scan"), records="/home/x/jobs/r")

    assert text.count("\na_") == 10_000
    assert time.perf_counter() - start < 2


def test_more_than_10000_points_are_refused_before_they_are_made() -> None:
    axes = tuple((Axis(name, values_of("1:1000:1")),) for name in "abcdef")

    with pytest.raises(JobRefused, match="1,000,000,000"):
        Generator(command="x", blocks=axes[:3])


@pytest.mark.parametrize(
    ("text", "value"),
    [("2*x", "6"), ("x/2", "1.5"), ("x**2", "9"), ("sqrt(x+1)", "2"), ("1 if x > 2 else 0", "1")],
)
def test_a_formula_computes_with_the_point_s_values(text: str, value: str) -> None:
    assert Formula("y", text).value({"x": "3"}) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')",
        "x.__class__",
        "().__class__.__bases__",
        "open('/etc/passwd')",
        "[y for y in range(10**9)]",
        "9**9**9**9",
        "'a' * 10**9",
        "x << 10**9",
        "1/0",
        "y",
        "lambda: 1",
        "x = 5; x",
        "f'{x}'" * 200,
        "(" * 400,
        "min(x, key=x)",
    ],
)
def test_a_formula_is_no_program(text: str) -> None:
    start = time.perf_counter()

    with pytest.raises(JobRefused):
        Formula("z", text).value({"x": "3"})

    assert time.perf_counter() - start < 1


def test_a_template_is_read_back_and_anything_else_is_refused() -> None:
    made = Generator(command="r {a}", blocks=((Axis("a", ("1",)),),), derived=(("b", "a+1"),))

    assert template_from_json(template_as_json(made)) == made
    for data in (b"", b"{}", b"[1]", b'{"command": 1, "blocks": [], "derived": []}', b"[" * 99999):
        with pytest.raises(JobRefused):
            template_from_json(data)
