"""Every route of the product on one screen."""

from aiohttp import web

from chatserver.web.admin import Admin
from chatserver.web.admin_pages import AdminPages
from chatserver.web.api import Api
from chatserver.web.conversation import Conversation
from chatserver.web.description import Description
from chatserver.web.health import Health
from chatserver.web.keeping import Keeping
from chatserver.web.pages import Pages
from chatserver.web.socket import Socket


def routes(
    pages: Pages,
    api: Api,
    talk: Conversation,
    socket: Socket,
    health: Health,
    *,
    admin: Admin,
    admin_pages: AdminPages,
    description: Description,
    keeping: Keeping,
) -> list[web.RouteDef]:
    """Method, path, handler; the name is what templates and code refer to."""
    return [
        web.get("/", pages.home, name="home"),
        web.get("/setup", pages.setup_page, name="setup"),
        web.post("/setup", pages.setup),
        web.get("/login", pages.login_page, name="login"),
        web.post("/login", pages.login),
        web.post("/logout", pages.logout, name="logout"),
        web.get("/join/{code}", pages.join_page, name="join"),
        web.post("/join/{code}", pages.join),
        web.get("/index", pages.index, name="index"),
        web.get("/admin", admin_pages.home, name="admin"),
        web.get("/admin/{section}", admin_pages.section, name="admin-page"),
        web.get("/ws", socket.serve, name="ws"),
        web.get("/i18n/{locale}.{digest}.json", pages.catalogue, name="catalogue"),
        web.get("/api/me", api.me, name="me"),
        web.patch("/api/me", api.change_me),
        web.put("/api/me/password", api.change_password, name="password"),
        web.get("/api/users", api.users, name="users"),
        web.post("/api/users", api.add_user),
        web.patch("/api/users/{name}", api.change_user, name="user"),
        web.post("/api/users/{name}/password", api.reset_password, name="password-reset"),
        web.get("/api/sessions", api.sessions, name="sessions"),
        web.delete("/api/sessions", api.sign_out_everywhere),
        web.delete("/api/sessions/{session}", api.end_session, name="session"),
        web.get("/api/rooms", talk.rooms, name="rooms"),
        web.post("/api/rooms", talk.create),
        web.get("/api/rooms/{room}", talk.room, name="room"),
        web.patch("/api/rooms/{room}", talk.change),
        web.get("/api/rooms/{room}/members", talk.members, name="members"),
        web.post("/api/rooms/{room}/members", talk.enrol),
        web.delete("/api/rooms/{room}/members/{user}", talk.dismiss, name="member"),
        web.get("/api/rooms/{room}/events", talk.events, name="events"),
        web.post("/api/rooms/{room}/messages", talk.say, name="messages"),
        web.patch(r"/api/rooms/{room}/messages/{seq:\d+}", talk.edit, name="message"),
        web.delete(r"/api/rooms/{room}/messages/{seq:\d+}", talk.delete),
        web.put(
            r"/api/rooms/{room}/messages/{seq:\d+}/reactions/{emoji}", talk.react, name="reaction"
        ),
        web.delete(r"/api/rooms/{room}/messages/{seq:\d+}/reactions/{emoji}", talk.react),
        web.get("/api/search", talk.search, name="search"),
        web.post("/api/direct/{user}/messages", talk.say_to_person, name="direct"),
        web.get("/api/bots", admin.bots, name="bots"),
        web.post("/api/bots", api.add_bot),
        web.post("/api/bots/{name}/token", admin.renew_bot, name="bot-token"),
        web.delete("/api/bots/{name}/token", admin.revoke_bot),
        web.get("/api/invites", api.invites, name="invites"),
        web.post("/api/invites", api.add_invite),
        web.delete("/api/invites/{code}", api.revoke_invite, name="invite"),
        web.get("/api/invites/{code}/qr.svg", admin.qr, name="invite-qr"),
        web.get("/api/admin/people", admin.people, name="admin-people"),
        web.get("/api/admin/rooms", admin.rooms, name="admin-rooms"),
        web.patch(r"/api/admin/rooms/{number:\d+}", admin.change_room, name="admin-room"),
        web.get("/api/admin/check", admin.check, name="admin-check"),
        web.get("/api/setup-link", api.setup_link, name="setup-link"),
        web.post("/api/keys/rotate", api.rotate_keys, name="keys"),
        web.get("/api/asyncapi.json", description.asyncapi, name="asyncapi"),
        web.get("/api/openapi.json", description.openapi, name="openapi"),
        web.get("/api/keeping/archive", keeping.archive, name="archive"),
        web.get("/api/keeping/check", keeping.check, name="check"),
        web.get("/healthz", health.alive, name="healthz"),
        web.get("/readyz", health.ready, name="readyz"),
        web.get("/metrics", health.metrics, name="metrics"),
    ]
