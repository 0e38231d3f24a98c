"""Text, Markdown and web pages as a plain page that asks for nothing."""

import codecs

import pytest

from vrag.printing.plain_page import cleaned, decoded, of_html, of_markdown, of_text

ELSEWHERE = """<html><head><title>The &lt;first&gt; title</title><link rel="stylesheet" href="http://x/s.css"><style>@import
"http://x/i.css"</style><script src="http://x/s.js">alert("<p>no</p>")</script></head>
<body background="http://x/b.png" onload="go()"><h1 style="background:url(http://x/h.png)">Head</h1>
<img src="http://x/i.png" alt="a chart"><img src="file:///etc/passwd"><iframe src="http://x/f"><p>frame</p></iframe>
<object data="http://x/o">kept</object><embed src="http://x/e"><a href="http://x/a">link</a><svg><image href="http://x/g"/></svg>
<table><tr><td colspan="2" onclick="go()">cell</td></tr></table></body></html>"""


def test_nothing_of_a_page_points_elsewhere_or_runs():
    page = of_html(ELSEWHERE.encode()).decode()
    assert [part for part in ("http:", "file:", "script", "alert", "on", "style", "frame>") if f"{part}=" in page] == []
    assert [
        part for part in ("://", "alert", "onload", "onclick", "<p>", "url(", "import", "<svg", "<a h") if part in page
    ] == []
    assert "<h1>Head</h1>" in page
    assert '<td colspan="2">cell</td>' in page
    assert "a chart" in page
    assert "kept" in page
    assert "<title>The &lt;first&gt; title</title>" in page


def test_a_picture_that_is_in_the_page_stays():
    assert (
        cleaned('<img src="data:image/png;base64,iVBORw0KGgo=">')[0] == '<img src="data:image/png;base64,iVBORw0KGgo=">'
    )


@pytest.mark.parametrize(
    "source", ["data:image/svg+xml;base64,AAAA", 'data:image/png;base64,AA"onerror="x', "data:text/html,<p>", "x.png"]
)
def test_other_sources_of_pictures_do_not(source):
    assert "data:" not in cleaned(f"<img src='{source}' alt=''>")[0]


def test_attributes_and_text_cannot_become_tags():
    html, _ = cleaned('<td colspan="1&quot;><script>x</script>">&lt;script&gt;y')
    assert "<script" not in html
    assert html.count("<") == 1


def test_markdown_is_laid_out_and_its_html_is_shown_as_text():
    page = of_markdown(b"# Head\n\n|a|b|\n|-|-|\n|1|2|\n\n![chart](http://x/c.png) <script>x</script>").decode()
    assert "<h1>Head</h1>" in page
    assert "<td>1</td>" in page
    assert "://" not in page
    assert "&lt;script&gt;" in page


def test_text_is_shown_as_it_stands():
    assert "<pre>a  &lt;b&gt;\n c</pre>" in of_text(b"a  <b>\n c").decode()


@pytest.mark.parametrize(
    ("data", "encoding", "text"),
    [
        (codecs.BOM_UTF8 + "é".encode(), "", "é"),
        ("é".encode("utf-16"), "", "é"),
        ("é".encode(), "", "é"),
        ("é".encode("cp1252"), "", "é"),
        ("ж".encode("koi8-r"), "koi8-r", "ж"),
        ("é".encode(), "no-such-encoding", "é"),
        (b"a\0b", "", "ab"),
    ],
)
def test_bytes_are_read_as_what_they_are(data, encoding, text):
    assert decoded(data, encoding) == text


def test_a_page_says_how_it_is_encoded():
    assert "ж" in of_html(b'<meta charset="koi8-r"><p>' + "ж".encode("koi8-r")).decode()
