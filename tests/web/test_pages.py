"""Setup, login, logout and invitations over HTTP, with HTML and JSON."""

import pytest

from chatserver.config import Settings
from tests.conftest import FAST, StartChat
from tests.driver import PASSWORD, Chat, User, ask

HTML = {"Accept": "text/html,*/*;q=0.8"}


def setup_form(chat: Chat, **changes: str) -> dict[str, str]:
    token = chat.server.accounts.setup_token()
    form = {"token": token, "username": "ann", "display": "Ann", "password": PASSWORD}
    return form | changes


async def test_all_pages_redirect_to_setup_until_an_account_exists(chat: Chat) -> None:
    browser = chat.browser()
    for path in ("/", "/login"):
        answer = await ask(browser, "GET", chat.url + path)
        assert (answer.status, answer.headers["Location"]) == (302, "/setup")
    page = await ask(browser, "GET", chat.url + "/setup", headers=HTML)
    assert page.status == 200
    assert "<form" in page.text


async def test_the_setup_link_creates_one_administrator(chat: Chat) -> None:
    browser = chat.browser()
    form = setup_form(chat)
    assert chat.server.folder.setup_token.stat().st_mode & 0o777 == 0o600
    made = await ask(browser, "POST", chat.url + "/setup", form)
    assert (made.status, made.json) == (200, {"ok": 1, "user": "ann"})
    assert made.headers["Authorization"].startswith("Bearer ")
    me = await ask(browser, "GET", chat.url + "/api/me")
    assert me.json["user"]["role"] == "admin"
    assert not chat.server.folder.setup_token.exists()
    again = await ask(chat.browser(), "POST", chat.url + "/setup", form | {"username": "bo"})
    assert (again.status, again.json["code"]) == (403, "forbidden")


async def test_a_wrong_setup_token_creates_no_account(chat: Chat) -> None:
    for token in ("", "x", "ä", "x" * 1_000):
        answer = await ask(
            chat.browser(), "POST", chat.url + "/setup", setup_form(chat, token=token)
        )
        assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert await chat.server.users.count() == 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"username": "a"}, "user name"),
        ({"username": "a b"}, "user name"),
        ({"username": "../x"}, "user name"),
        ({"username": "<b>"}, "user name"),
        ({"username": "x" * 33}, "user name"),
        ({"display": "evil\u202eeman"}, "display name"),
        ({"display": "x" * 65}, "display name"),
        ({"password": "short"}, "at least 8"),
        ({"password": "ann12345"}, "easy to guess"),
        ({"password": "password1"}, "easy to guess"),
    ],
)
async def test_an_invalid_name_or_password_is_explained(
    chat: Chat, changes: dict[str, str], word: str
) -> None:
    answer = await ask(chat.browser(), "POST", chat.url + "/setup", setup_form(chat, **changes))
    assert (answer.status, answer.json["code"]) == (400, "bad_request")
    assert word in answer.json["data"]
    assert chat.server.folder.setup_token.exists()


@pytest.mark.parametrize("form", ["json", "data"])
async def test_logging_in_works_with_json_and_with_a_form(chat: Chat, ann: User, form: str) -> None:
    browser = chat.browser()
    credentials = {"username": "Ann", "password": PASSWORD}
    sent = {form: credentials}
    async with browser.post(chat.url + "/login", **sent) as response:  # type: ignore[arg-type]
        assert (response.status, await response.json()) == (200, {"ok": 1, "user": "ann"})
        token = response.headers["Authorization"].removeprefix("Bearer ")
        cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie  # it came over plain HTTP
    by_cookie = await ask(browser, "GET", chat.url + "/api/me")
    bearer = {"Authorization": f"Bearer {token}"}
    by_token = await ask(chat.browser(), "GET", chat.url + "/api/me", headers=bearer)
    assert by_cookie.json == by_token.json
    assert by_cookie.json["user"]["name"] == "ann"


async def test_a_form_login_redirects_without_javascript(chat: Chat, ann: User) -> None:
    browser = chat.browser()
    form = {"username": "ann", "password": PASSWORD}
    url = chat.url + "/login"
    async with browser.post(url, data=form, headers=HTML, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/index")
    wrong = form | {"password": "wrong wrong"}
    async with browser.post(url, data=wrong, headers=HTML, allow_redirects=False) as response:
        assert response.status == 401
        page = await response.text()
    assert "The user name or password is incorrect." in page
    assert "wrong wrong" not in page


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil",
        "x",
        "//[x",
        "//\u2100",
        "/\t/evil.example",
    ],
)
async def test_logging_in_never_redirects_to_another_site(
    chat: Chat, ann: User, target: str
) -> None:
    form = {"username": "ann", "password": PASSWORD}
    async with chat.browser().post(
        chat.url + "/login", params={"next": target}, data=form, headers=HTML, allow_redirects=False
    ) as response:
        assert (response.status, response.headers["Location"]) == (303, "/index")


@pytest.mark.parametrize(
    ("query", "status", "target"),
    [
        ("", 302, "/index"),
        ("?over", 302, "/index"),
        ("?next=/admin/rooms", 302, "/admin/rooms"),
        ("?next=//evil.example", 302, "/index"),
        ("?next=/login", 302, "/login"),
        ("?switch", 200, None),
        ("?switch&next=/admin/rooms", 200, None),
    ],
)
async def test_the_login_page_redirects_a_logged_in_user_except_to_switch_accounts(
    ann: User, query: str, status: int, target: str | None
) -> None:
    answer = await ann.ask("GET", f"/login{query}", headers=HTML)
    assert (answer.status, answer.headers.get("Location")) == (status, target)


async def test_the_login_page_is_shown_when_the_session_is_over(chat: Chat, ann: User) -> None:
    await chat.server.administration.reset_password(None, "ann")
    assert (await ann.ask("GET", "/login?over", headers=HTML)).status == 200


async def test_an_unknown_name_gets_the_same_response_as_a_wrong_password(
    chat: Chat, ann: User
) -> None:
    answers = [
        await ask(chat.browser(), "POST", chat.url + "/login", {"username": n, "password": "xxxxx"})
        for n in ("ann", "nobody")
    ]
    assert [answer.status for answer in answers] == [401, 401]
    assert answers[0].text == answers[1].text
    assert answers[0].json == {
        "ok": 0,
        "code": "bad_credentials",
        "data": "The user name or password is incorrect.",
    }


async def test_logging_in_creates_a_new_session_despite_an_existing_cookie(
    chat: Chat, ann: User
) -> None:
    browser = chat.browser()
    credentials = {"username": "ann", "password": PASSWORD}
    first = await ask(browser, "POST", chat.url + "/login", credentials)
    second = await ask(browser, "POST", chat.url + "/login", credentials)
    assert first.headers["Set-Cookie"] != second.headers["Set-Cookie"]


async def test_logging_out_ends_the_session_and_deletes_the_cookie(chat: Chat, ann: User) -> None:
    browser = chat.browser()
    answer = await ask(
        browser, "POST", chat.url + "/login", {"username": "ann", "password": PASSWORD}
    )
    bearer = {"Authorization": answer.headers["Authorization"]}
    out = await ask(browser, "POST", chat.url + "/logout")
    assert (out.status, out.json) == (200, {"ok": 1})
    assert (await ask(browser, "GET", chat.url + "/api/me")).status == 401
    assert (await ask(chat.browser(), "GET", chat.url + "/api/me", headers=bearer)).status == 401
    assert (await ask(browser, "POST", chat.url + "/logout")).status == 200


async def test_pages_redirect_depending_on_the_session(chat: Chat, ann: User) -> None:
    stranger = chat.browser()
    assert (await ask(stranger, "GET", chat.url + "/")).headers["Location"] == "/login"
    assert (await ask(stranger, "GET", chat.url + "/index")).headers["Location"] == "/"
    assert (await ann.ask("GET", "/")).headers["Location"] == "/index"
    assert (await ask(stranger, "GET", chat.url + "/setup")).headers["Location"] == "/"
    page = await ann.ask("GET", "/index", headers=HTML)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


# Invitations -------------------------------------------------------------------------------------


async def test_a_visitor_can_join_by_an_invitation(chat: Chat, ann: User) -> None:
    made = await ann.ask("POST", "/api/invites", {"uses": 1, "days": 1})
    assert made.status == 201
    assert made.json["url"] == f"{chat.url}/join/{made.json['code']}"
    page = await ask(chat.browser(), "GET", made.json["url"], headers=HTML)
    assert "Ann" in page.text
    browser = chat.browser()
    form = {"username": "bo", "display": "Bo", "password": PASSWORD}
    joined = await ask(browser, "POST", made.json["url"], form)
    assert (joined.status, joined.json) == (200, {"ok": 1, "user": "bo"})
    me = await ask(browser, "GET", chat.url + "/api/me")
    assert me.json["user"]["role"] == "member"
    used_up = await ask(chat.browser(), "POST", made.json["url"], form | {"username": "cy"})
    assert (used_up.status, used_up.json["code"]) == (404, "not_found")


async def test_a_user_can_join_the_room_of_an_invitation(
    chat: Chat, ann: User, bo: User, cy: User
) -> None:
    room = {"name": "plans", "title": "Plans", "private": True}
    number = (await ann.ask("POST", "/api/rooms", room)).json["room"]
    made = (await ann.ask("POST", "/api/invites", {"room": "plans", "uses": 1})).json
    path = f"/join/{made['code']}"
    assert "Plans" in (await bo.ask("GET", path, headers=HTML)).text
    for who, status in ((ann, 200), (bo, 200), (cy, 404)):  # a member uses no admission
        assert (await who.ask("POST", f"{path}/room")).status == status
    assert (await bo.ask("GET", f"/api/rooms/{number}")).json["title"] == "Plans"
    stranger = await ask(chat.browser(), "POST", chat.url + f"{path}/room")
    assert (stranger.status, stranger.json["code"]) == (401, "unauthorized")


async def test_a_removed_user_cannot_join_by_an_older_invitation(ann: User, bo: User) -> None:
    room = {"name": "plans", "title": "Plans", "private": True}
    number = (await ann.ask("POST", "/api/rooms", room)).json["room"]
    made = (await ann.ask("POST", "/api/invites", {"room": "plans", "uses": 5})).json
    path = f"/join/{made['code']}"
    joined = await bo.ask("POST", f"{path}/room")
    await ann.ask("DELETE", f"/api/rooms/{number}/members/bo")
    refused = await bo.ask("POST", f"{path}/room")
    page = await bo.ask("GET", path, headers=HTML)
    assert (joined.status, refused.status, page.status) == (200, 404, 404)
    assert "Plans" not in page.text
    (listed,) = (await ann.ask("GET", "/api/invites")).json["invites"]
    assert listed["uses_left"] == 4


async def test_an_invitation_shows_its_room_and_opens_it_for_a_new_account(
    chat: Chat, ann: User
) -> None:
    for number, private in enumerate((False, True)):
        room = {"name": f"plans{number}", "title": "Plans", "private": private}
        made = (await ann.ask("POST", "/api/rooms", room)).json
        url = (await ann.ask("POST", "/api/invites", {"room": room["name"]})).json["url"]
        page = await ask(chat.browser(), "GET", url, headers=HTML)
        assert ("Join Plans" in page.text, "Ann invites you to this room" in page.text) == (1, 1)
        form = {"username": f"bo{number}", "password": PASSWORD}
        joined = await ask(chat.browser(), "POST", url, form)
        assert joined.json == {"ok": 1, "user": f"bo{number}", "room": made["room"]}
        form = {"username": f"cy{number}", "password": PASSWORD}
        async with chat.browser().post(
            url, data=form, headers=HTML, allow_redirects=False
        ) as response:
            place = f"/index#/room/{made['room']}"
            assert (response.status, response.headers["Location"]) == (303, place)


async def test_an_invitation_into_an_archived_room_admits_to_the_chat_only(
    chat: Chat, ann: User, bo: User
) -> None:
    room = {"name": "plans", "title": "Plans"}
    number = (await ann.ask("POST", "/api/rooms", room)).json["room"]
    made = (await ann.ask("POST", "/api/invites", {"room": "plans"})).json
    await ann.ask("PATCH", f"/api/rooms/{number}", {"archived": True})
    page = await ask(chat.browser(), "GET", made["url"], headers=HTML)
    assert ("Join the chat" in page.text, "Plans" in page.text) == (True, False)
    form = {"username": "cy", "password": PASSWORD}
    assert (await ask(chat.browser(), "POST", made["url"], form)).json == {"ok": 1, "user": "cy"}
    path = f"/join/{made['code']}"
    for who, words in ((ann, "already a member"), (bo, "This room is archived.")):
        page = await who.ask("GET", path, headers=HTML)
        assert (words in page.text, "Join the room" in page.text) == (True, False)


async def test_a_member_can_open_the_room_of_an_expired_invitation(
    chat: Chat, ann: User, bo: User, cy: User
) -> None:
    number = (await ann.ask("POST", "/api/rooms", {"name": "plans", "private": True})).json["room"]
    for ending in ("used up", "revoked"):
        made = (await ann.ask("POST", "/api/invites", {"room": "plans", "uses": 1})).json
        path = f"/join/{made['code']}"
        if ending == "used up":
            await bo.ask("POST", f"{path}/room")
        else:
            await ann.ask("DELETE", f"/api/invites/{made['code']}")
        page = await bo.ask("GET", path, headers=HTML)
        assert f'href="/index#/room/{number}"' in page.text
        assert ("already a member" in page.text, "Join the room" in page.text) == (True, False)
        assert (await cy.ask("GET", path, headers=HTML)).status == 404
        assert (await ask(chat.browser(), "GET", chat.url + path, headers=HTML)).status == 404


async def test_an_invitation_without_a_room_offers_only_the_chat_to_a_user(
    ann: User, bo: User
) -> None:
    made = (await ann.ask("POST", "/api/invites", {})).json
    page = await bo.ask("GET", f"/join/{made['code']}", headers=HTML)
    assert (page.status, "Open the chat" in page.text) == (200, True)
    assert (await bo.ask("POST", f"/join/{made['code']}/room")).status == 404


async def test_a_taken_name_does_not_use_up_the_invitation(chat: Chat, ann: User) -> None:
    made = await ann.ask("POST", "/api/invites", {"uses": 1, "days": 1})
    form = {"username": "ANN", "display": "", "password": PASSWORD}
    taken = await ask(chat.browser(), "POST", made.json["url"], form)
    assert (taken.status, taken.json["code"]) == (409, "conflict")
    joined = await ask(chat.browser(), "POST", made.json["url"], form | {"username": "bo"})
    assert joined.status == 200


async def test_a_revoked_invitation_is_not_found(chat: Chat, ann: User) -> None:
    made = await ann.ask("POST", "/api/invites", {})
    assert [i["code"] for i in (await ann.ask("GET", "/api/invites")).json["invites"]] == [
        made.json["code"]
    ]
    await ann.ask("DELETE", f"/api/invites/{made.json['code']}")
    page = await ask(chat.browser(), "GET", made.json["url"], headers=HTML)
    assert page.status == 404
    form = {"username": "bo", "display": "", "password": PASSWORD}
    assert (await ask(chat.browser(), "POST", made.json["url"], form)).status == 404
    assert (await ann.ask("GET", "/api/invites")).json["invites"] == []


async def test_an_account_without_a_language_uses_that_of_the_browser(
    chat: Chat, ann: User
) -> None:
    made = {"username": "bo", "password": PASSWORD}
    assert (await ann.ask("POST", "/api/users", made)).json["user"]["locale"] == ""
    chosen = {"username": "cy", "password": PASSWORD, "locale": "en"}
    assert (await ann.ask("POST", "/api/users", chosen)).json["user"]["locale"] == "en"
    chinese = HTML | {"Accept-Language": "zh-CN"}
    for name, lang in (("bo", "zh-Hans"), ("cy", "en")):
        user = await chat.logged_in(name)
        page = await user.ask("GET", "/index", headers=chinese)
        assert f'<html lang="{lang}">' in page.text


async def test_only_administrators_can_invite_and_manage_accounts(
    chat: Chat, ann: User, bo: User
) -> None:
    for method, path, body in (
        ("GET", "/api/invites", None),
        ("POST", "/api/invites", {}),
        ("DELETE", "/api/invites/x", None),
        ("POST", "/api/users", {"username": "cy", "password": PASSWORD}),
        ("PATCH", "/api/users/ann", {"disabled": True}),
    ):
        assert (await bo.ask(method, path, body)).json["code"] == "forbidden"
        anonymous = await ask(chat.browser(), method, chat.url + path, body)
        assert (anonymous.status, anonymous.json["code"]) == (401, "unauthorized")
    for method, path in (("GET", "/api/setup-link"), ("POST", "/api/keys/rotate")):
        assert (await ann.ask(method, path)).json["code"] == "forbidden"


# Languages ---------------------------------------------------------------------------------------


async def test_pages_and_errors_are_in_the_language_of_the_client(chat: Chat, ann: User) -> None:
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}
    page = await ask(chat.browser(), "GET", chat.url + "/login", headers=HTML | chinese)
    assert 'lang="zh-Hans"' in page.text
    assert "登录" in page.text
    wrong = {"username": "ann", "password": "wrong wrong"}
    refused = await ask(chat.browser(), "POST", chat.url + "/login", wrong, headers=chinese)
    assert any("\u4e00" <= character <= "\u9fff" for character in refused.json["data"])


async def test_the_language_of_an_account_is_stored(ann: User) -> None:
    assert 'lang="en"' in (await ann.ask("GET", "/index", headers=HTML)).text
    changed = await ann.ask("PATCH", "/api/me", {"locale": "zh_CN"})
    assert changed.json == {"ok": 1}
    assert 'lang="zh-Hans"' in (await ann.ask("GET", "/index", headers=HTML)).text
    refused = await ann.ask("PATCH", "/api/me", {"locale": "xx"})
    assert refused.json["code"] == "bad_request"


# Embedding ---------------------------------------------------------------------------------------


async def test_a_page_over_tls_sets_the_host_prefixed_cookie(start_chat: StartChat) -> None:
    settings = Settings(limits=FAST)
    chat = await start_chat()
    assert settings.server.trusted_proxies == []
    await chat.user("ann")
    form = {"username": "ann", "password": PASSWORD}
    spoofed = {"X-Forwarded-Proto": "https"}
    answer = await ask(chat.browser(), "POST", chat.url + "/login", form, headers=spoofed)
    assert answer.headers["Set-Cookie"].startswith("chatserver=")
