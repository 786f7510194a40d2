"""Templates escape every value and accept no missing one."""

import pytest
from jinja2 import UndefinedError

from fixlip_widgets.support.templates import render

FRAME = "pages/templates/frame.html.j2"


def test_values_are_escaped():
    frame = render(FRAME, page="<p>a & b</p>", caption='" onload="alert(1)')
    assert 'srcdoc="&lt;p&gt;a &amp; b&lt;/p&gt;"' in frame
    assert 'title="Explanation: &#34; onload=&#34;alert(1)"' in frame


def test_characters_that_xml_does_not_allow_are_replaced():
    assert "Explanation: a\ufffdb\ufffd\t" in render(FRAME, page="", caption="a\x00b\ud800\t")


def test_floats_have_at_most_two_decimals():
    assert [render(FRAME, page=value, caption="").split('"')[1] for value in (1 / 3, 2.5, 4.0)] == ["0.33", "2.5", "4"]


def test_a_missing_variable_is_an_error():
    with pytest.raises(UndefinedError, match="caption"):
        render(FRAME, page="")
