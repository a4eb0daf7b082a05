#!/usr/bin/env python3
"""What Python's Jinja gives for small templates: tests/golden/jinja.jsonl and chat_templates.jsonl.

Needs jinja2 3.1 (python -m pip install jinja2). The environment is built as Hugging Face's
apply_chat_template builds its own: immutable sandbox, trim_blocks, lstrip_blocks, break and
continue, tojson without HTML escapes. Cases whose Python result depends on addresses are left out
by hand. A case that Python ends with an error is kept as {"error": true}.

    python tools/golden/jinja.py            # writes both files
"""
import datetime
import itertools
import json
import pathlib

import jinja2
from jinja2.ext import loopcontrols, do
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden"
NOW = 1_700_000_000  # 2023-11-14 22:13:20 UTC


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, do])

    def raise_exception(message):
        raise jinja2.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent,
                          separators=separators, sort_keys=sort_keys)

    def strftime_now(form):
        return datetime.datetime.fromtimestamp(NOW, datetime.timezone.utc).strftime(form)

    env.filters["tojson"] = tojson
    env.globals.update(raise_exception=raise_exception, strftime_now=strftime_now)
    return env


CONTEXT = {
    "s": "Hello, World", "empty": "", "uni": "Größe ß 한국어 😀 ǆ", "ws": "  \t pad ded \n ",
    "lines": "one\ntwo\r\nthree\n\nfive", "n": 7, "neg": -7, "zero": 0, "f": 2.5, "big": 1e20,
    "tiny": 1.5e-7, "t": True, "no": False, "nil": None, "xs": [3, 1, 2], "ss": ["b", "A", "c", "a"],
    "d": {"b": 2, "a": 1, "C": 3}, "nested": {"a": [1, {"b": None}], "q": "it's \"q\""},
    "users": [{"name": "Ann", "age": 30, "ok": True, "city": {"n": "Oslo"}},
              {"name": "bob", "age": 25, "ok": False, "city": {"n": "Rome"}},
              {"name": "Cyd", "age": 30, "city": {"n": "oslo"}}],
    "html": "<a href='x'>T & \"q\"</a>",
}

# One topic a line, cases between broken bars.
EXPRESSIONS = r"""
1 + 2 * 3 ¦ (1 + 2) * 3 ¦ 7 // 2 ¦ neg // 2 ¦ 7 % 3 ¦ neg % 3 ¦ 7 % -3 ¦ 7 / 2 ¦ 6 / 2 ¦ 2 ** 10 ¦ 2 ** -1 ¦ 2 ** 3 ** 2 ¦ -2 ** 2 ¦ - 2 + 3
1.5 + 1 ¦ 2.5 // 1 ¦ -2.5 // 1 ¦ -2.5 % 2 ¦ 5.5 % -2 ¦ 1 / 3 ¦ 0.1 + 0.2 ¦ 1e16 ¦ 1e15 ¦ 123456789.123 ¦ 1e-4 ¦ 1e-5 ¦ 1.0 ¦ 100.0 ¦ big ¦ tiny ¦ 1e300 * 10 ¦ -0.0
1_000 + 1 ¦ 0x1F ¦ 0o17 ¦ 0b101 ¦ 1e3 ¦ 5 // 0 ¦ 5 % 0 ¦ 1 / 0 ¦ 1.0 // 0
true + true ¦ true * 3 ¦ -true ¦ +true ¦ not 1 ¦ not empty ¦ not nil ¦ t and n ¦ no and n ¦ no or n ¦ empty or 'x' ¦ nil or zero or 'last'
1 < 2 ¦ 1 < 2 < 3 ¦ 1 < 3 < 2 ¦ 3 > 2 >= 2 == 2 ¦ 1 == 1.0 ¦ 1 == true ¦ 'a' < 'b' ¦ 'a' < 'B' ¦ [1, 2] < [1, 3] ¦ (1, 2) == (1, 2) ¦ [1] == (1,) ¦ '1' == 1 ¦ nil == false ¦ 1 != 2 ¦ nil < 1 ¦ 'a' < 1 ¦ xs == [3, 1, 2]
2 in xs ¦ 9 not in xs ¦ 'ell' in s ¦ '' in s ¦ 'a' in d ¦ 1 in d ¦ nil in [none] ¦ 1 in 5 ¦ 5 in 'a5' ¦ missing in xs ¦ 'x' in missing ¦ not 2 in xs ¦ (1, 2) in [(1, 2)]
'a' ~ 1 ~ none ~ 2.0 ~ true ¦ 'a' + 'b' ¦ 'a' + 1 ¦ 1 + 'a' ¦ 'ab' * 2 ¦ 2 * 'ab' ¦ 'ab' * 0 ¦ 'ab' * -1 ¦ [1] * 2 ¦ [1] + [2] ¦ (1,) + (2,) ¦ [1] + (2,) ¦ missing + 1 ¦ missing ~ 'x' ¦ 'x' + missing
s[0] ¦ s[-1] ¦ s[99] ¦ s[1:3] ¦ s[::-1] ¦ s[-5:] ¦ s[:-5] ¦ s[::2] ¦ s[5:1:-1] ¦ uni[2] ¦ uni[-3:] ¦ xs[0] ¦ xs[-1] ¦ xs[5] ¦ xs[1:] ¦ xs[::-1] ¦ xs[-100:100] ¦ xs[:0] ¦ xs[3:0:-2] ¦ (1,2,3)[1:] ¦ xs['a'] ¦ xs[true] ¦ xs[1.0] ¦ nil[0] ¦ nil.x ¦ nil[1:] ¦ d[1:] ¦ range(5)[2] ¦ xs[::0]
d.a ¦ d['a'] ¦ d.zz ¦ d['zz'] ¦ d.zz.y ¦ missing.x ¦ missing['x'] ¦ missing ¦ missing() ¦ nested.a[1].b ¦ nested['a'][0] ¦ nested.a.0 ¦ d.items ¦ d.keys() ¦ d.values() ¦ d.items() ¦ d['keys'] is defined ¦ s.upper
[1, 'a', none, true, 1.5, [2], (3,), {'k': 'v'}] ¦ {'a': 1, 2: 'b', none: [], true: {}} ¦ () ¦ (1,) ¦ {} ¦ [] ¦ [1,2,] ¦ {'a':1,} ¦ "it's"|["it's", 'say "x"', 'both \' "']|['\n\t\\ \x00 é \u200b 😀']|nested|uni|[uni]|['\x7f\xa0']
'a' if t else 'b' ¦ 'a' if no else 'b' ¦ 'a' if no ¦ ('a' if no) is undefined ¦ 'a' if no else 'b' if no else 'c' ¦ 1 if t else missing.x
'\x41\u00e9\U0001F600\n\\' ¦ 'a' 'b' ¦ "a\"b" ¦ '\101' ¦ '\q' ¦ 'it''s'
s ¦ s|upper ¦ s|lower ¦ s.title() ¦ uni|upper ¦ uni|lower ¦ uni|title ¦ uni|capitalize ¦ uni.title() ¦ uni.swapcase() ¦ uni.casefold() ¦ 'hello wORLD foo-bar (baz) [q] {z} <y>'|title ¦ 'hELLO'|capitalize ¦ 'hello world'.capitalize() ¦ "they're bill's".title() ¦ uni|length ¦ nil|upper ¦ n|upper ¦ xs|upper ¦ missing|upper ¦ 'ŉ'|upper ¦ 'ﬁx'|capitalize
ws|trim ¦ ws.strip() ¦ ws.lstrip() ¦ ws.rstrip() ¦ 'xxaxx'.strip('x') ¦ 'xxaxx'|trim('x') ¦ 'abcXcba'.strip('abc') ¦ 'xyaxy'.lstrip('yx') ¦ 'a'.strip(none) ¦ '\u3000a\u00a0'.strip() ¦ 'éaé'.strip('é')
s.split(',') ¦ s.split() ¦ ws.split() ¦ 'a,b,c'.split(',', 1) ¦ 'a,b,c'.rsplit(',', 1) ¦ ' a  b  c '.split(none, 1) ¦ ' a  b  c '.rsplit(none, 1) ¦ ''.split() ¦ ''.split(',') ¦ 'a b'.split(' ') ¦ 'a'.split('') ¦ 'a--b'.split('--') ¦ 'a,b'.split(sep=',', maxsplit=0) ¦ lines.splitlines() ¦ lines.splitlines(true) ¦ 'a\n'.splitlines() ¦ 'a=b=c'.partition('=') ¦ 'a=b=c'.rpartition('=') ¦ 'abc'.partition('=') ¦ 'abc'.rpartition('=')
s.replace('l', 'L') ¦ s.replace('l', 'L', 1) ¦ s.replace('', '-') ¦ 'abc'.replace('', '-', 2) ¦ s|replace('o', '0') ¦ s|replace('l', 'L', 1) ¦ 'aaa'|replace('a', 'b', 2) ¦ 1234|replace(2, 'x') ¦ s.replace('zz', 'y')
s.find('o') ¦ s.find('z') ¦ s.rfind('o') ¦ s.index('o') ¦ s.index('z') ¦ uni.find('한') ¦ s.find('o', 5) ¦ s.find('o', -3) ¦ s.find('', 20) ¦ s.count('l') ¦ s.count('') ¦ s.count('l', 5) ¦ s.startswith('He') ¦ s.startswith(('x', 'He')) ¦ s.endswith('ld') ¦ s.endswith('l', 0, 4) ¦ s.startswith('e', 1) ¦ s.startswith(1) ¦ s.removeprefix('Hel') ¦ s.removesuffix('ld') ¦ s.removeprefix('z')
'-'.join(['a', 'b']) ¦ '-'.join('abc') ¦ '-'.join([1]) ¦ ''.join([]) ¦ '-'.join(d) ¦ 'ab'.center(7, '*') ¦ 'abc'.center(6) ¦ 'ab'.ljust(5, '.') ¦ 'ab'.rjust(5) ¦ '-5'.zfill(4) ¦ '5'.zfill(3) ¦ 'a\tb'.expandtabs(4) ¦ 'abc'.isalpha() ¦ 'ab1'.isalnum() ¦ '12'.isdigit() ¦ '²'.isdigit() ¦ '²'.isdecimal() ¦ '½'.isnumeric() ¦ ''.isalpha() ¦ ' \t'.isspace() ¦ 'AB c'.isupper() ¦ 'ab1'.islower() ¦ 'Ab Cd'.istitle() ¦ 'a b'.isidentifier() ¦ 'a_1'.isidentifier() ¦ 'é'.isascii() ¦ 'a\n'.isprintable()
'{} {}'.format(1, 'a') ¦ '{0}{1}{0}'.format('a', 'b') ¦ '{x:>5}|'.format(x='ab') ¦ '{:<5}|'.format('ab') ¦ '{:^6}|'.format('abc') ¦ '{:05d}'.format(42) ¦ '{:.2f}'.format(3.14159) ¦ '{:,}'.format(1234567) ¦ '{:x}'.format(255) ¦ '{:+d}'.format(5) ¦ '{!r}'.format('a') ¦ '{{}}'.format() ¦ '{:e}'.format(12345.678) ¦ '{:%}'.format(0.25) ¦ '{a[b]}'.format(a={'b': 1}) ¦ '{}'.format() ¦ '{:*^7}'.format('ab') ¦ '{:>4}'.format(3) ¦ '{}'.format(none) ¦ '{:.1%}'.format(0.256) ¦ '{:#x}'.format(255) ¦ '{:s}'.format('q') ¦ '{:d}'.format('q') ¦ '{0.x}'.format({'x': 1})
'%s and %s' % ('a', 1) ¦ '%s' % 'x' ¦ '%d%%' % 5 ¦ '%05.1f' % 3.14159 ¦ '%-5s|' % 'ab' ¦ '%5s|' % 'ab' ¦ '%x' % 255 ¦ '%+d' % 5 ¦ '%e' % 1234.5 ¦ '%g' % 0.0001 ¦ '%r' % 'a' ¦ '%(a)s-%(b)d' % {'a': 'x', 'b': 2} ¦ '%s' % ('a', 'b') ¦ '%s %s' % ('a',) ¦ '%d' % 'a' ¦ '%d' % 3.9 ¦ '%s' % [[1]] ¦ '%c' % 'z' ¦ '%.2s' % 'abc' ¦ '%03d' % -5 ¦ '%s' % none ¦ '%%' % () ¦ '%i' % true ¦ '%5.1f|' % 2.25
"%s - %s"|format(1, 'b') ¦ "%(x)s"|format(x=1) ¦ '%s'|format('a') ¦ '%d'|format(2.0)
n|abs ¦ neg|abs ¦ f|abs ¦ -2.5|abs ¦ 'a'|abs ¦ missing|abs ¦ 42.55|round ¦ 42.55|round(1) ¦ 42.55|round(1, 'floor') ¦ 42.51|round(0, 'ceil') ¦ 2.5|round ¦ 3.5|round ¦ n|round ¦ 1234|round(-2) ¦ 1250|round(-2) ¦ 2.675|round(2) ¦ n|round(method='ceil') ¦ 2.5|round(method='x') ¦ -2.5|round
'42'|int ¦ '4.9'|int ¦ 'x'|int ¦ 'x'|int(5) ¦ '0x1f'|int(0, 16) ¦ '11'|int(base=2) ¦ ' 7 '|int ¦ '-7'|int ¦ 3.99|int ¦ -3.99|int ¦ t|int ¦ nil|int ¦ missing|int ¦ '1e3'|int ¦ '1_000'|int ¦ ''|int ¦ []|int ¦ 'z'|int(base=36) ¦ '0b11'|int(base=2) ¦ '0o7'|int(base=8) ¦ '+5'|int
'4.5'|float ¦ 'x'|float ¦ 'x'|float(1.5) ¦ n|float ¦ '1e3'|float ¦ 'inf'|float ¦ 'nan'|float ¦ nil|float ¦ ' 2 '|float ¦ '1_0.5'|float ¦ missing|float ¦ '-.5'|float ¦ '5.'|float
xs|first ¦ xs|last ¦ []|first ¦ []|last ¦ s|first ¦ s|last ¦ d|first ¦ d|last ¦ missing|first ¦ xs|length ¦ s|length ¦ d|length ¦ missing|length ¦ n|length ¦ nil|length ¦ xs|count ¦ range(4)|length ¦ (1,2)|length
xs|sort ¦ xs|sort(true) ¦ xs|sort(reverse=true) ¦ ss|sort ¦ ss|sort(case_sensitive=true) ¦ users|sort(attribute='age')|map(attribute='name')|list ¦ users|sort(attribute='age,name', reverse=true)|map(attribute='name')|list ¦ users|sort(attribute='city.n')|map(attribute='city.n')|join(',') ¦ d|sort ¦ 'hello'|sort ¦ [1,'a']|sort ¦ [[2,1],[1,2]]|sort ¦ missing|sort ¦ [2.5, 1, true]|sort
ss|unique|list ¦ ['a','A','b']|unique|list ¦ ['a','A']|unique(true)|list ¦ users|unique(attribute='age')|map(attribute='name')|list ¦ [1, 1.0, true, '1']|unique|list ¦ xs|reverse|list ¦ s|reverse ¦ (1,2)|reverse|list ¦ d|reverse|list ¦ range(3)|reverse|list ¦ 5|reverse
xs|min ¦ xs|max ¦ ss|min ¦ ss|max ¦ ss|max(case_sensitive=true) ¦ []|min ¦ users|max(attribute='age') ¦ users|min(attribute='age') ¦ xs|sum ¦ []|sum ¦ users|sum(attribute='age') ¦ xs|sum(start=10) ¦ [1.5, 2]|sum ¦ ['a']|sum ¦ [[1],[2]]|sum(start=[]) ¦ [1, 'a']|max
xs|join ¦ xs|join('-') ¦ users|join(', ', attribute='name') ¦ users|join(attribute='city.n') ¦ s|join('.') ¦ d|join(',') ¦ [none, true, 1.0]|join(' ') ¦ missing|join ¦ nil|join ¦ []|join('x') ¦ xs|join(d='+')
xs|map('string')|join('|') ¦ ss|map('upper')|list ¦ users|map(attribute='name')|list ¦ users|map(attribute='ok')|list ¦ users|map(attribute='ok', default='?')|list ¦ xs|map('default', 5)|list ¦ ss|map('replace', 'a', 'z')|list ¦ missing|map('upper')|list ¦ users|map(attribute='city.n')|map('lower')|unique|list ¦ xs|map('nope')|list ¦ ['1','2']|map('int')|sum ¦ [[1,2],[3]]|map('length')|list ¦ [[1,2],[3]]|map('first')|list ¦ users|map('attr', 'name')|list ¦ [{'a':{'b':1}}]|map(attribute='a.b')|list ¦ [[5,6]]|map(attribute='1')|list
xs|select('odd')|list ¦ xs|reject('odd')|list ¦ xs|select|list ¦ [0,1,none,'a','']|select|list ¦ [0,1,none,'a','']|reject|list ¦ xs|select('gt', 1)|list ¦ xs|select('>', 1)|list ¦ xs|select('in', [1,2])|list ¦ xs|select('divisibleby', 3)|list ¦ users|selectattr('ok')|map(attribute='name')|list ¦ users|rejectattr('ok')|map(attribute='name')|list ¦ users|selectattr('age', 'eq', 30)|map(attribute='name')|list ¦ users|selectattr('age', 'ge', 26)|list|length ¦ users|rejectattr('age', '==', 30)|map(attribute='name')|list ¦ users|selectattr('ok', 'defined')|list|length ¦ users|selectattr('city.n', 'equalto', 'Rome')|list|length ¦ users|rejectattr('ok', 'undefined')|list|length ¦ xs|select('nope')|list ¦ users|selectattr('name', 'in', ['bob'])|map(attribute='age')|first
xs|batch(2)|list ¦ xs|batch(2, 'x')|list ¦ [1,2,3,4,5,6,7]|slice(3)|list ¦ [1,2,3,4,5,6,7]|slice(3, 'x')|list ¦ []|batch(2)|list ¦ []|slice(2)|list ¦ xs|batch(1)|list ¦ [1,2]|slice(4, 0)|list
d|dictsort ¦ d|dictsort(true) ¦ d|dictsort(by='value') ¦ d|dictsort(reverse=true) ¦ d|dictsort(false, 'value', true) ¦ d|dictsort(by='x') ¦ xs|dictsort ¦ d|items|list ¦ missing|items|list ¦ xs|items|list ¦ d|list ¦ d.items()|list ¦ d.keys()|list ¦ d.values()|list ¦ d.get('a') ¦ d.get('z') ¦ d.get('z', 5) ¦ d.get('z', none) is none ¦ d.keys()|length ¦ d.items()|first ¦ 'a' in d.keys() ¦ d.values()|sum ¦ d.items()|sort
users|groupby('age')|map('first')|list ¦ users|groupby('age')|map(attribute='grouper')|list ¦ users|groupby('age')|map(attribute='list')|map('length')|list ¦ users|groupby('city.n')|map('first')|list ¦ users|groupby('ok', default=false)|map('first')|list ¦ users|groupby('city.n', case_sensitive=true)|map('first')|list
s|default('x') ¦ missing|default('x') ¦ missing|default ¦ empty|default('x') ¦ empty|default('x', true) ¦ nil|default('x') ¦ nil|default('x', true) ¦ missing|d('y') ¦ zero|default(5, boolean=true) ¦ d.zz|default('q') ¦ d.zz.y|default('q') ¦ (missing or 'z') ¦ missing|default(missing) ¦ missing|default(default_value=3)
lines|indent ¦ lines|indent(2) ¦ lines|indent(2, true) ¦ lines|indent(2, true, true) ¦ lines|indent('> ') ¦ 'a\n'|indent ¦ ''|indent ¦ 'a\n\nb'|indent(3, blank=true) ¦ 'a'|indent(first=true)
s|center(20) ¦ s|wordcount ¦ uni|wordcount ¦ ''|wordcount ¦ 'a-b c_d e\'f'|wordcount ¦ s|truncate(5) ¦ s|truncate(9) ¦ s|truncate(9, true) ¦ s|truncate(9, true, '..', 0) ¦ 'foo bar baz qux'|truncate(9) ¦ 'foo bar baz qux'|truncate(9, true) ¦ 'foo bar baz qux'|truncate(11) ¦ 'foo bar baz qux'|truncate(11, false, '...', 0) ¦ s|truncate(2)
html|e ¦ html|escape ¦ html|forceescape ¦ html|striptags ¦ html|safe ¦ 'a b/c?d=é&'|urlencode ¦ {'a b': 'c/d', 'e': 1}|urlencode ¦ [('x', 'y z')]|urlencode ¦ 5|urlencode ¦ 1000|filesizeformat ¦ 1|filesizeformat ¦ 1500000|filesizeformat ¦ 1048576|filesizeformat(true) ¦ 0|filesizeformat ¦ 1024|filesizeformat(true)
nested|tojson ¦ nested|tojson(indent=2) ¦ xs|tojson(indent=4) ¦ []|tojson(indent=2) ¦ {}|tojson ¦ {'a': {}, 'b': []}|tojson(indent=1) ¦ uni|tojson ¦ uni|tojson(ensure_ascii=true) ¦ d|tojson(sort_keys=true) ¦ d|tojson(separators=(',', ':')) ¦ f|tojson ¦ big|tojson ¦ tiny|tojson ¦ nil|tojson ¦ t|tojson ¦ (1,2)|tojson ¦ {1: 2, none: 3, true: 4, 1.5: 5}|tojson ¦ missing|tojson ¦ '</script>&\'"'|tojson|'\x7f\x00\x1f'|tojson|'\x7f'|tojson(ensure_ascii=true)|range(2)|tojson|[1.0, 1e100]|tojson ¦ xs|tojson(2) ¦ xs|tojson(true, 2) ¦ {'a':1}|tojson(indent='--') ¦ {'k':[1,2]}|tojson(separators=(' , ',' : '), indent=1)
s is string ¦ n is string ¦ n is number ¦ t is number ¦ f is float ¦ n is float ¦ n is integer ¦ t is integer ¦ t is boolean ¦ n is boolean ¦ nil is none ¦ missing is none ¦ missing is defined ¦ missing is undefined ¦ s is not defined ¦ d is mapping ¦ xs is mapping ¦ xs is sequence ¦ s is sequence ¦ d is sequence ¦ n is sequence ¦ n is iterable ¦ s is iterable ¦ d is iterable ¦ missing is iterable ¦ missing is sequence ¦ range is callable ¦ s is callable ¦ s.upper is callable ¦ missing is callable ¦ (xs|map('upper')) is iterable ¦ (xs|map('upper')) is sequence ¦ d.items() is iterable ¦ d.items() is sequence ¦ range(3) is sequence ¦ (1,) is sequence
3 is odd ¦ 4 is even ¦ -3 is odd ¦ 6 is divisibleby 3 ¦ 6 is divisibleby(4) ¦ 1 is eq 1 ¦ 1 is ne 2 ¦ 1 is lt 2 ¦ 1 is le 1 ¦ 2 is gt 1 ¦ 2 is ge 3 ¦ 1 is equalto 1.0 ¦ 'a' is in ['a'] ¦ 'a' is in 'abc' ¦ 'ABC' is upper ¦ 'abc' is lower ¦ 'aBc' is upper ¦ t is true ¦ t is false ¦ 1 is true ¦ no is false ¦ 0 is false ¦ xs is sameas xs ¦ nil is sameas none ¦ 1 is sameas 1 ¦ 'upper' is filter ¦ 'nope' is filter ¦ 'odd' is test ¦ 1 is odd and 2 is even ¦ not 1 is even ¦ 1 is not even ¦ s is string and s is not none ¦ n is number or nope is foo ¦ 1.5 is odd ¦ 'a' is odd ¦ 3 is not odd or true ¦ '' is lower ¦ missing is odd
range(5)|list ¦ range(2, 5)|list ¦ range(10, 0, -3)|list ¦ range(0)|list ¦ range(3) ¦ range(1, 10, 2) ¦ range(5, 1)|list ¦ range(1, 2, 0) ¦ range('a') ¦ range() ¦ dict(a=1, b='x') ¦ dict({'a': 1}, b=2) ¦ dict([('a', 1)]) ¦ dict() ¦ namespace(a=1).a ¦ namespace({'a': 2}).a ¦ namespace().zz ¦ namespace(a=1).b.c
cycler('a', 'b').next() ¦ joiner()() ¦ lipsum is callable ¦ raise_exception('no') ¦ strftime_now('%Y-%m-%d %H:%M:%S') ¦ strftime_now('%d %b %Y') ¦ strftime_now('%A, %B %d, 100%%')|nope() ¦ s() ¦ n.foo() ¦ s.nope() ¦ d.nope() ¦ xs.nope ¦ xs[0].x.y ¦ 'a'|nope ¦ 1 is nope ¦ loop ¦ caller
xs.index(1) ¦ xs.index(9) ¦ xs.count(3) ¦ xs.copy() ¦ (1,2,1).count(1) ¦ (1,2).index(2) ¦ d.copy() ¦ xs|list == xs ¦ d == {'a': 1, 'b': 2, 'C': 3} ¦ {'a': [1]} == {'a': [1.0]} ¦ [nil] == [none] ¦ 'a' == missing ¦ missing == missing ¦ missing == none
[1, 2, 3]|sum / 2 ¦ -5|abs + 1 ¦ 'a'|upper ~ 'b'|upper ¦ (1, 2, 3)|last ¦ n|string|length ¦ {'a': 1}['a'] ¦ {'a': {'b': 2}}.a.b ¦ [[1, 2], [3, 4]][1][0] ¦ 'abc'[1].upper() ¦ 'a,b'.split(',')[1] ¦ '  x '.strip()[0] ¦ (s|lower)[0:5] ¦ s|lower|replace('h', 'j') ¦ s.lower().upper().title() ¦ '%s' % s|lower ¦ 1 + 2 ~ 3 ¦ 1 ~ 2 + 3 ¦ 2 * 3 ~ 1 ¦ not true or true ¦ not (true or true) ¦ 1 in [1] and 2 in [2] ¦ 1 if 1 in [1] else 2 ¦ 'a' in 'abc' == true ¦ -1|abs ¦ -1 ** 2 ¦ 10 - 2 - 3 ¦ 100 / 10 / 2 ¦ 7 // 2 * 2 ¦ [] or {} or '' ¦ x if x is defined else 'd' ¦ n if n > 5 else missing.y
9223372036854775807 ¦ 9223372036854775807 + 0 ¦ -9223372036854775807 - 1 ¦ 4611686018427387904 * 1 ¦ 3037000499 * 3037000499 ¦ 2 ** 62 ¦ 9007199254740993 == 9007199254740992.0 ¦ 9007199254740993 > 9007199254740992.0 ¦ 10 ** 18 ¦ 1e308 * 10 ¦ 2 ** 0.5 ¦ 0 ** -1 ¦ 0 ** 0 ¦ 4 ** 0.5 ¦ 7.0 // 2 ¦ -7 // 2.0 ¦ 1e16 + 1 ¦ 12345678901234567890.0 ¦ 5e-324 ¦ 1.7976931348623157e308 ¦ 0.1 ¦ 100000.0 ¦ 1234567.0 ¦ 0.00012345 ¦ 1e22 ¦ 1e21
nil|select|list ¦ nil|map('upper')|list ¦ zero|selectattr('x')|list ¦ nil|rejectattr('x', 'eq', 1)|list ¦ n|select|list ¦ n|map('upper')|list ¦ nil|map(attribute='x')|list ¦ nil|unique|list ¦ nil|sort ¦ nil|join ¦ nil|list ¦ nil|first ¦ nil|batch(2)|list ¦ nil|groupby('x') ¦ nil|dictsort ¦ nil|items|list ¦ nil|sum ¦ nil|min ¦ nil|reverse|list ¦ nil|length ¦ nil|trim ¦ nil|replace('N', 'n') ¦ nil|indent ¦ nil|title ¦ nil|wordcount ¦ nil|e ¦ nil|center(6) ¦ nil|truncate(2, true, '') ¦ nil|string ¦ nil|abs ¦ nil|round ¦ nil|attr('x') ¦ nil|urlencode ¦ nil|last ¦ nil|slice(2)|list ¦ nil|capitalize ¦ nil|format ¦ nil|filesizeformat ¦ nil|striptags ¦ nil|count ¦ nil|default ¦ nil|safe
('<'|e) + '<' ¦ '<' + ('<'|safe) ¦ ('<'|e) ~ '<' ¦ '<'|e|e ¦ '<'|safe|e ¦ '<'|safe|forceescape ¦ ('a<'|e|upper) + '<' ¦ ('<'|safe|string) + '<' ¦ ('<'|safe)[0] + '<' ¦ (' <'|safe|trim) + '<' ¦ ('<'|safe) + 1 ¦ 5|safe ¦ nil|safe ¦ (n|safe) + '&' ¦ ['<'|safe, '<']|join('>') ¦ ('<'|e) == '&lt;' ¦ '<' + '>' + ('&'|safe) + "'" ¦ s|safe|length ¦ (s|safe)[1:3] + '<'
""".strip("\n")

TEMPLATES = [
    "{% for x in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
    "{% for x in xs %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }};{% endfor %}",
    "{% for x in xs %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }} {% endfor %}",
    "{% for x in xs %}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{% for x in [1,1,2,2,1] %}{{ loop.changed(x) }} {% endfor %}",
    "{% for x in [] %}a{% else %}none{% endfor %}", "{% for x in missing %}a{% else %}none{% endfor %}",
    "{% for x in nil %}a{% endfor %}", "{% for x in 5 %}a{% endfor %}",
    "{% for x in xs if x > 1 %}{{ loop.index }}/{{ loop.length }}={{ x }} {% else %}z{% endfor %}",
    "{% for x in xs if x > 9 %}{{ x }}{% else %}z{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }},{% endfor %}", "{% for k in d %}{{ k }}{% endfor %}",
    "{% for k, v in d|dictsort %}{{ k }}{{ v }}{% endfor %}",
    "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [(1, 2, 3)] %}{{ a }}{% endfor %}", "{% for a, b in [1] %}{{ a }}{% endfor %}",
    "{% for c in 'héy' %}[{{ c }}]{% endfor %}",
    "{% for x in xs %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in xs %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% else %}e{% endfor %}",
    "{% for x in range(3) %}{% for y in range(x) %}{{ loop.index }}{% if y == 1 %}{% break %}{% endif %}{% endfor %};{% endfor %}",
    "{% for x in range(3) %}{% set outer = loop %}{% for y in range(2) %}{{ outer.index }}.{{ loop.index }} {% endfor %}{% endfor %}",
    "{% for i in [{'v': 1, 'c': [{'v': 2, 'c': []}]}] recursive %}{{ i.v }}@{{ loop.depth }}{{ loop.depth0 }}[{{ loop(i.c) }}]{% endfor %}",
    "{% set x = 0 %}{% for i in xs %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}",
    "{% set ns = namespace(x=0) %}{% for i in xs %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}{{ ns.c }}",
    "{% set d2 = {} %}{% set d2.x = 1 %}", "{% set x %}a{{ n }}b{% endset %}[{{ x }}]",
    "{% set x | upper %}a{{ n }}b{% endset %}[{{ x }}]", "{% set x | trim | replace('a', 'b') %}  aa {% endset %}[{{ x }}]",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set (a, b) = (1, 2) %}{{ a }}{{ b }}", "{% set a = 1, 2 %}{{ a }}",
    "{% set a, b = 'xy' %}{{ b }}{{ a }}", "{% set a, b = [1] %}",
    "{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %}", "{% if no %}a{% elif nil %}b{% elif t %}c{% endif %}",
    "{% if n is defined and n %}{% set y = 3 %}{% endif %}{{ y }}",
    "{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 3) }}{{ m(1, c=4) }}{{ m(c=1, a=2) }}",
    "{% macro m(a) %}{{ a is defined }}{{ a }}{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}",
    "{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}in{{ n }}{% endcall %}",
    "{% macro m() %}[{{ caller(1, 2) }}]{% endmacro %}{% call(a, b=5, c=6) m() %}{{ a }}{{ b }}{{ c }}{% endcall %}",
    "{% macro m() %}x{% endmacro %}{% call m() %}y{% endcall %}",
    "{% macro m(n) %}{% if n > 0 %}{{ n }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "{% macro m() %}{{ n }}{% set n = 1 %}{{ n }}{% endmacro %}{{ m() }}{{ n }}",
    "{% macro m(x) %}{{ x }}{% endmacro %}{{ m.name }}{{ m.arguments }}{{ m is callable }}",
    "{% macro m() %}{{ later }}{% endmacro %}{% set later = 5 %}{{ m() }}",
    "{% macro m() %}a{% endmacro %}{{ m() ~ m() | upper }}{{ (m() ~ 'b') | length }}",
    "{% filter upper %}a{{ s }}{% endfilter %}", "{% filter trim | replace('a', 'b') %}  aba {% endfilter %}|",
    "{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z }}",
    "{% with a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}{% endwith %}",
    "{% do xs %}x", "{% print n %}", "{% block b %}in{{ n }}{% endblock %}", "{% block b %}x{% endblock b %}",
    "{{ '{{' }}{% raw %}{{ x }}{% if %}{% endraw %}", "{%- raw -%}  a  {%- endraw -%}  b", "{% raw %}\n a\n{% endraw %}\nb",
    "a{# c #}b", "a {#- c -#} b", "  {# c #}\nb", "{# {{ x }} {% if %} #}z", "{# a\nb #}\nc", "a{# c +#}\nb",
    "a\n  {% if t %}\n  b\n  {% endif %}\nc\n", "a\n  {%- if t %}\n  b\n  {%- endif %}\nc\n", "a\n  {% if t -%}\n  b\n  {% endif -%}\nc\n",
    "a\n  {%+ if t %}\n  b\n  {%+ endif %}\nc", "a\n  {% if t +%}\n  b\n  {% endif +%}\nc", "  {{ n }}  \n  {{- n -}}  \n  z",
    "x {% if t %} y {% endif %} z", "\n{% if t %}\n{% endif %}\n\n", "{% if t %}a{% endif %}\n\n", "a\r\nb\rc\n", "\t {% set x = 1 %}\t \nb",
    "{{ n -}}\n\n  a {{- n }}", "a   {%- set x = 1 -%}   b", "{% for x in xs %}\n  {{ x }}\n{% endfor %}\nend",
    "{% for x in xs -%}\n  {{ x }}\n{%- endfor %}\nend", "  {%- set x = 1 %}\n  {%- set y = 2 %}\n  {{- x }}{{ y }}", "a\u00a0{%- if t %}b{% endif %}", "{{ n }}\n", "{{ n }}\n\n", "",
    "{% set c = cycler('a', 'b', 'c') %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{{ c.reset() }}{{ c.current }}",
    "{% set j = joiner('; ') %}{% for x in xs %}{{ j() }}{{ x }}{% endfor %}",
    "{% set g = xs|map('string') %}{{ g|list }}{{ g|list }}{% if g %}t{% endif %}", "{% set g = xs|select %}{{ g|length }}",
    "{% for g in users|groupby('age') %}{{ g.grouper }}:{% for u in g.list %}{{ u.name }}{% endfor %} {% endfor %}",
    "{% for age, group in users|groupby('age') %}{{ age }}={{ group|length }} {% endfor %}",
    "{% for row in range(7)|batch(3, '-') %}{{ row|join(',') }};{% endfor %}", "{% for col in range(7)|slice(3) %}{{ col|join(',') }};{% endfor %}",
    "{{ {'a': {'b': 1}} }}", "{{ {'a': {'b': 1}}}}", "{% set x = {'a': {'b': [1]}} %}{{ x.a.b[0] }}", "{{ '}}' }}{{ \"%}\" }}{{ '{%' }}",
    "{% set f = '%s' %}{{ f % n }}", "{{ 5 % 3 }}%{{ n }}", "{{ n %}", "{% if n }}x{% endif %}", "{% if %}x{% endif %}", "{% endif %}", "{% if t %}", "{% for %}", "{% for x xs %}{% endfor %}",
    "{% foo %}", "{{ n", "{{ 'a }}", "{# a", "{% raw %}a", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ [1, }}", "{{ a b }}", "{{ 1 2 }}", "{{ x | }}", "{{ x is }}", "{{ .x }}", "{{ a. }}", "{{ a! }}", "{{ a ? b }}", "{{ a = 1 }}", "{% set 1 = 2 %}", "{% set true = 1 %}", "{% set x = %}", "{% macro %}{% endmacro %}", "{% macro m(1) %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{% break %}", "{% if t %}{% else %}{% else %}{% endif %}", "{{ f(a=1, 2) }}", "{{ {1} }}", "{{ (1] }}", "{% for x in xs %}{% endif %}", "{% macro m() %}{% endfor %}",
    "{{ s|nope }}", "{{ 1 is nope }}", "{% if no %}{{ s|nope }}{% endif %}ok", "{% if no %}{{ 1 is nope }}{% endif %}ok", "{{ s|nope if no else 'ok' }}",
    "{{ dict(**{'a': 1}) }}{{ dict(**d) }}", "{{ '{}-{}'.format(*[1, 2]) }}", "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*xs[:2]) }}{{ m(**{'a': 1, 'b': 2}) }}",
    "{% set x = 'a' %}{% if t %}{% set x = 'b' %}{% endif %}{{ x }}", "{% for i in [1] %}{% if t %}{% set q = 1 %}{% endif %}{{ q }}{% endfor %}{{ q }}",
    "{% for x in [1,2] %}{{ y }}{% set y = x %}{{ y }}{% endfor %}", "{% set y = 9 %}{% for x in [1,2] %}{{ y }}{% set y = x %}{{ y }}{% endfor %}{{ y }}",
    "{% for x in xs %}{{ x }}{% endfor %}{{ x }}", "{% set loop = 5 %}{{ loop }}{% for x in [1] %}{{ loop.index }}{% endfor %}{{ loop }}", "{% for x in [1] %}{{ loop.nope }}{{ loop.index.x }}{% endfor %}",
    "{{ users|map(attribute='name')|map('upper')|join(' ') }}", "{{ users|selectattr('age', 'gt', 26)|map(attribute='name')|sort(reverse=true)|join(',') }}",
    "{{ messages[-1].x if messages else 'none' }}", "{{ s.split(', ')[-1].lower().strip('d') }}", "{{ [s, n]|join('=') if t else '' }}", "{{ 1, 2 }}", "{{ 'a', }}", "{% for x in 1, 2, 3 %}{{ x }}{% endfor %}", "{% for x in xs[1:] + [5] %}{{ x }}{% endfor %}",
    "{% for x in xs|sort %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{% from 'x' import y %}",
    "{% for x in xs recursive %}{% if x > 1 %}{{ x }}{{ loop([x - 1]) }}{% endif %}{% endfor %}", "{% for x in xs %}{{ loop([1]) }}{% endfor %}",
    "{% set x = namespace(l=[]) %}{% for i in xs %}{% set x.l = x.l + [i * 2] %}{% endfor %}{{ x.l }}", "{% set x = namespace(a=1) %}{% set x.a = x.a + 1 %}{{ x.a }}{{ x['a'] }}",
    "{{ 'tail' }}   \n   ", "{%- if t -%}\n\n  x  \n\n{%- endif -%}\n", "{{- ' a ' -}}", "{{ 1 -}} {{- 2 }}", "{{ 1 - 1 }}", "{{ 1 -1 }}", "{{-1}}", "{{ -1 }}", "{{+1}}", "{% if t %}\n\n{{ n }}\n\n{% endif %}", "{% if t %} \n{{ n }} {% endif %} \n.", "{% set x = 1 %} \n{% set y = 2 %}\n x{{ x }}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}", "{% macro a(x) %}{% for i in x recursive %}{{ i }}{% endfor %}{% endmacro %}{{ a([1, 2]) }}",
    "{% call(u) nope() %}{% endcall %}", "{% macro t(items) %}{% for i in items %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(i) t(xs) %}<{{ i }}>{% endcall %}",
    "{% filter indent(2) %}a\nb{% endfilter %}", "{% filter nope %}x{% endfilter %}", "{% set m = users[0] %}{{ m['name'] ~ ':' ~ m.city['n'] }}{{ m.get('zz') }}{{ m.zz }}",
]


def outcome(env, template, context):
    try:
        return {"expected": env.from_string(template).render(**context)}
    except Exception:  # whatever Python does not accept
        return {"error": True}


def write(name, header, rows):
    with open(HERE / name, "w", encoding="utf-8") as out:
        for row in itertools.chain([header], rows):
            out.write(json.dumps(row, ensure_ascii=False) + "\n")


def language():
    env = environment()
    cases = ["{{ " + case + " }}" for line in EXPRESSIONS.split("\n")
             for case in line.split(" ¦ ")]
    for template in cases + TEMPLATES:
        row = outcome(env, template, CONTEXT)
        if " object " in row.get("expected", "") and " at 0x" in row["expected"]:
            continue
        yield {"template": template, **row}


CHAT_TEMPLATES = {
    "marks": "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
    "system first": "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set rest = messages[1:] %}{% else %}{% set system = 'Be kind.' %}{% set rest = messages %}{% endif %}[SYS]{{ system | trim }}[/SYS]{% for m in rest %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate: ' ~ m.role) }}{% endif %}{% if m['role'] == 'user' %}{{ '[U] ' + m['content'] + ' [/U]' }}{% else %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}",
    "tools": "{%- if tools %}\n  {{- 'Tools:\\n' }}\n  {%- for tool in tools %}\n    {{- tool | tojson }}\n    {{- '\\n' }}\n  {%- endfor %}\n{%- endif %}\n{%- for m in messages %}\n  {%- if m.tool_calls %}\n    {%- for call in m.tool_calls %}\n      {{- '<call>' ~ (call.function.arguments if call.function.arguments is string else call.function.arguments | tojson) ~ '</call>' }}\n    {%- endfor %}\n  {%- else %}\n    {{- m.role ~ ': ' ~ (m.content or '') ~ '\\n' }}\n  {%- endif %}\n{%- endfor %}",
    "thinking": "{%- set ns = namespace(last=-1) %}{%- for m in messages %}{%- if m.role == 'user' %}{%- set ns.last = loop.index0 %}{%- endif %}{%- endfor %}{%- for m in messages %}{%- set content = m.content %}{%- if m.role == 'assistant' and '</think>' in content %}{%- set content = content.split('</think>')[-1].lstrip('\\n') %}{%- endif %}{{- m.role + ('*' if loop.index0 == ns.last else '') + '=' + content + '\\n' }}{%- endfor %}",
    "macro": "{%- macro turn(role, text, last=false) -%}\n<turn {{ role | upper }}>{{ text | trim }}{% if not last %}</turn>{% endif %}\n{%- endmacro -%}\n{%- for m in messages -%}\n{{ turn(m.role, m.content, last=loop.last and not add_generation_prompt) }}\n{%- endfor -%}\n{%- if add_generation_prompt %}{{ turn('assistant', '', true) }}{% endif %}",
    "date": "Today is {{ strftime_now('%d %B %Y') }}.\n{% for m in messages if m.role != 'system' %}{{ loop.index }}. {{ m.content | replace('\\n', ' ') | title }}\n{% endfor %}",
}
CONVERSATIONS = [
    [{"role": "user", "content": "What is a stove?"}],
    [{"role": "system", "content": "  Answer briefly. "}, {"role": "user", "content": "Hi\nthere"},
     {"role": "assistant", "content": "<think>greet</think>\nHello."}, {"role": "user", "content": "온돌이란?"}],
    [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    [{"role": "user", "content": "Weather?"},
     {"role": "assistant", "content": "", "tool_calls": [
         {"type": "function", "function": {"name": "weather", "arguments": {"city": "Séoul", "days": 2}}}]},
     {"role": "tool", "content": "{\"t\": 3.5}", "name": "weather"}],
]
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "it's < 3 & \"x\"",
                                           "parameters": {"city": {"type": "string"}, "n": [1, 2.5, None, True]}}}]


def chats():
    env = environment()
    for (name, template), messages, generate in itertools.product(
            CHAT_TEMPLATES.items(), CONVERSATIONS, (True, False)):
        tools = TOOLS if name == "tools" and generate else None
        context = {"messages": messages, "tools": tools, "documents": None, "bos_token": "<s>",
                   "eos_token": "</s>", "add_generation_prompt": generate}
        yield {"name": name, "template": template, "messages": messages, "tools": tools,
               "add_generation_prompt": generate, **outcome(env, template, context)}


if __name__ == "__main__":
    made = {"made_by": "tools/golden/jinja.py", "jinja2": jinja2.__version__}
    write("jinja.jsonl", {**made, "context": CONTEXT, "now": NOW}, language())
    write("chat_templates.jsonl", {**made, "now": NOW}, chats())
