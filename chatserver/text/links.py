"""Detection of web addresses in texts.

An address ends at a space, a quotation mark, a bracket that was opened before it, and at Chinese,
Japanese or Korean text: those are written without spaces. Such text belongs to an address where it
follows a delimiter of its path (`/wiki/北京`), and in an international host (`https://例子.中国/`).
"""

import re
from collections.abc import Iterator

# Letters of the scripts that are written without spaces: ideographs, kana, hangul, bopomofo.
_CJK = (
    "\u3005-\u3007\u3041-\u3096\u30a1-\u30ff\u3105-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
_WIDE = "\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe10-\ufe4f\uff00-\uffef"
_WIDE += "\U00020000-\U0003ffff"  # the same with their punctuation
_QUOTES = "\u2013\u2014\u2018-\u201f\u2022\u2026\u00ab\u00bb"
_INVISIBLE = "\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_END = rf"\s{_INVISIBLE}<>\"`\\{_WIDE}{_QUOTES}"

# Top-level domains in these scripts (IANA): `https://例子.中国很好` ends after the domain.
_DOMAINS = """
    中国 中國 公司 网络 網路 网址 网站 网店 在线 中文网 香港 台湾 台灣 新加坡 澳門 移动 政务
    公益 政府 组织机构 机构 企业 集团 商标 商店 商城 购物 通販 广东 佛山 信息 新闻 娱乐 游戏
    书籍 世界 时尚 手机 健康 招聘 慈善 我爱你 八卦 餐厅 食品 珠宝 家電 微博 点看 天主教 谷歌
    亚马逊 诺基亚 飞利浦 淡马锡 联通 嘉里 嘉里大酒店 大拿 电讯盈科 みんな コム クラウド グーグル
    ストア セール ファッション ポイント アマゾン 한국 삼성 닷컴 닷넷
""".split()

_LATIN = r"0-9A-Za-z\u00a1-\u1fff-"
_INTERNATIONAL = (
    rf"[{_LATIN}{_CJK}]++\.(?:(?:[{_LATIN}]++|[{_CJK}][{_LATIN}{_CJK}]*+)\.)*"
    rf"(?:{'|'.join(sorted(_DOMAINS, key=len, reverse=True))}"
    r"|(?i:xn--[a-z0-9-]+|[a-z]{2,}+(?![0-9a-z-])))"
)
_HOST = rf"(?=[^\s/?#]*?[^\s/?#.:@,;!*_~()\[\]{{}}'|^\\<>\"`{_WIDE}{_QUOTES}])[^/?#'|^{{}}{_END}]+"
_LETTER = rf"[^{_END}]"
_PART = (
    rf"(?:{_LETTER}+|(?<=\w)[\u2013\u2019](?=[^\W{_CJK}])"
    rf"|(?<=[/=#+_-])[{_CJK}](?:[{_CJK}]|{_LETTER}|(?<=\w)[\u2013\u2019](?=\w))*)*"
)

BEGINS = r"(?<![A-Za-z0-9])(?<![A-Za-z0-9]_)(?i:https?://|www\.)"
_ADDRESS = re.compile(
    rf"{BEGINS}(?:(?=[^/?#{_END}]*[{_CJK}]){_INTERNATIONAL}(?::[0-9]+)?(?:[/?#]{_PART})?"
    rf"|{_HOST}(?:/(?:{_LETTER}{_PART})?|[?#]{_PART})?)"
)
_SENTENCE = ".,:;!?'|\u2013\u2019"
_PAIRS = {")": "(", "]": "[", "}": "{"}
_MARKS = "*_~"
_QUOTATION = re.compile(r"'(?!\w)")


def addresses(text: str) -> Iterator[int]:
    """Yield the positions at which addresses begin."""
    return (found.start() for found in _ADDRESS.finditer(text))


def address_at(text: str, start: int, end: int, opened: dict[str, int]) -> str | None:
    """Return the address that begins at `start`, or None.

    `opened` counts the open emphasis marks of each kind: so many of them after the address close
    emphasis, and others belong to the address.
    """
    found = _ADDRESS.match(text, start, end)
    if not found:
        return None
    address = _enclosed(found[0], text[max(0, start - 2) : start])
    return _without_sentence(address, dict(opened))


def _enclosed(address: str, before: str) -> str:
    """Cut an address at the bracket or quotation mark that was opened directly before it."""
    last = before[-1:]
    if last == "'":
        end = _QUOTATION.search(address)
        return address[: end.start()] if end else address
    if before in ("**", "__", "~~", "||") or last == "|":
        return address.partition(before if before[0] == last else last)[0]
    closing = {opening: closing for closing, opening in _PAIRS.items()}.get(last)
    return _balanced(address, last, closing) if closing else address


def _balanced(address: str, opening: str, closing: str) -> str:
    depth = 0
    for position, character in enumerate(address):
        depth += (character == opening) - (character == closing)
        if depth < 0:
            return address[:position]
    return address


def _without_sentence(address: str, opened: dict[str, int]) -> str:
    """Remove trailing punctuation; a closing bracket stays if it was opened inside."""
    stray = {close: address.count(close) - address.count(open_) for close, open_ in _PAIRS.items()}
    opening = {open_: close for close, open_ in _PAIRS.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if stray.get(last, 0) > 0:
            stray[last] -= 1
        elif opened.get(last, 0) > 0:
            opened[last] -= 1
        elif last in opening:
            stray[opening[last]] += 1
        elif last not in _SENTENCE:
            break
        end -= 1
    return address[:end]
