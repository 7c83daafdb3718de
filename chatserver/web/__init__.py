"""Route table of the product."""

from aiohttp import web

from chatserver.web.admin import Admin
from chatserver.web.admin_pages import AdminPages
from chatserver.web.api import Api
from chatserver.web.api_docs import Description
from chatserver.web.conversation import Conversation
from chatserver.web.health import Health
from chatserver.web.maintenance import Maintenance
from chatserver.web.pages import Pages
from chatserver.web.rates import RequestLimits
from chatserver.web.websocket.endpoint import WebSocketEndpoint


def routes(
    pages: Pages,
    api: Api,
    conversation: Conversation,
    websocket: WebSocketEndpoint,
    health: Health,
    *,
    admin: Admin,
    admin_pages: AdminPages,
    description: Description,
    maintenance: Maintenance,
    request_limits: RequestLimits,
) -> list[web.RouteDef]:
    """Return all routes: method, path, handler, and rate (`rates`).

    Templates and code refer to a route by its name.
    """
    table = [
        web.get("/", pages.home, name="home", rate="visits"),
        web.get("", pages.without_slash, name="mounted", rate="visits"),
        web.get("/setup", pages.setup_page, name="setup", rate="visits"),
        web.post("/setup", pages.setup, rate="sign_ups"),
        web.get("/login", pages.login_page, name="login", rate="visits"),
        web.post("/login", pages.login, rate="sign_ins"),
        web.post("/logout", pages.logout, name="logout", rate="visits"),
        web.get("/join/{code}", pages.join_page, name="join", rate="visits"),
        web.post("/join/{code}", pages.join, rate="sign_ups"),
        web.post("/join/{code}/room", pages.accept, name="accept", rate="changes"),
        web.get("/index", pages.index, name="index", rate="visits"),
        web.get("/admin", admin_pages.home, name="admin", rate="visits"),
        web.get("/admin/{section}", admin_pages.section, name="admin-page", rate="visits"),
        web.get("/ws", websocket.serve, name="ws", rate="sockets"),
        web.get("/i18n/{locale}.{digest}.json", pages.catalogue, name="catalogue", rate="memory"),
        web.get("/api/me", api.me, name="me", rate="questions"),
        web.patch("/api/me", api.change_me, rate="changes"),
        web.put("/api/me/password", api.change_password, name="password", rate="changes"),
        web.get("/api/users", api.users, name="users", rate="questions"),
        web.post("/api/users", api.add_user, rate="changes"),
        web.patch("/api/users/{name}", api.change_user, name="user", rate="changes"),
        web.delete("/api/users/{name}", api.delete_user, rate="changes"),
        web.post(
            "/api/users/{name}/password", api.reset_password, name="password-reset", rate="changes"
        ),
        web.put("/api/me/session", api.renew_session, name="me-session", rate="changes"),
        web.get("/api/sessions", api.sessions, name="sessions", rate="questions"),
        web.delete("/api/sessions", api.sign_out_everywhere, rate="changes"),
        web.delete("/api/sessions/{session}", api.end_session, name="session", rate="changes"),
        web.get("/api/rooms", conversation.rooms, name="rooms", rate="questions"),
        web.post("/api/rooms", conversation.create, rate="messages"),
        web.get("/api/rooms/{room}", conversation.room, name="room", rate="questions"),
        web.patch("/api/rooms/{room}", conversation.change, rate="messages"),
        web.get(
            "/api/rooms/{room}/members", conversation.members, name="members", rate="questions"
        ),
        web.post("/api/rooms/{room}/members", conversation.enrol, rate="messages"),
        web.delete(
            "/api/rooms/{room}/members/{user}", conversation.dismiss, name="member", rate="messages"
        ),
        web.get("/api/rooms/{room}/events", conversation.events, name="events", rate="questions"),
        web.post("/api/rooms/{room}/messages", conversation.say, name="messages", rate="messages"),
        web.patch(
            r"/api/rooms/{room}/messages/{seq:\d+}",
            conversation.edit,
            name="message",
            rate="messages",
        ),
        web.delete(r"/api/rooms/{room}/messages/{seq:\d+}", conversation.delete, rate="messages"),
        web.put(
            r"/api/rooms/{room}/messages/{seq:\d+}/reactions/{emoji}",
            conversation.react,
            name="reaction",
            rate="messages",
        ),
        web.delete(
            r"/api/rooms/{room}/messages/{seq:\d+}/reactions/{emoji}",
            conversation.react,
            rate="messages",
        ),
        web.get("/api/search", conversation.search, name="search", rate="questions"),
        web.post(
            "/api/direct/{user}/messages",
            conversation.say_to_person,
            name="direct",
            rate="messages",
        ),
        web.get("/api/bots", admin.bots, name="bots", rate="questions"),
        web.post("/api/bots", api.add_bot, rate="changes"),
        web.post("/api/bots/{name}/token", admin.renew_bot, name="bot-token", rate="changes"),
        web.delete("/api/bots/{name}/token", admin.revoke_bot, rate="changes"),
        web.get("/api/invites", api.invites, name="invites", rate="questions"),
        web.post("/api/invites", api.add_invite, rate="changes"),
        web.delete("/api/invites/{code}", api.revoke_invite, name="invite", rate="changes"),
        web.get("/api/invites/{code}/qr.svg", admin.qr, name="invite-qr", rate="questions"),
        web.get("/api/admin/people", admin.people, name="admin-people", rate="questions"),
        web.get("/api/admin/rooms", admin.rooms, name="admin-rooms", rate="questions"),
        web.patch(
            r"/api/admin/rooms/{number:\d+}", admin.change_room, name="admin-room", rate="changes"
        ),
        web.get(
            "/api/admin/conversations",
            admin.conversations,
            name="admin-conversations",
            rate="questions",
        ),
        web.delete(r"/api/admin/conversations/{number:\d+}", admin.dissolve, rate="changes"),
        web.get("/api/admin/check", admin.check, name="admin-check", rate="questions"),
        web.get("/api/setup-link", api.setup_link, name="setup-link", rate="visits"),
        web.post("/api/keys/rotate", api.rotate_keys, name="keys", rate="visits"),
        web.get("/api/asyncapi.json", description.asyncapi, name="asyncapi", rate="visits"),
        web.get("/api/openapi.json", description.openapi, name="openapi", rate="visits"),
        web.get("/api/keeping/archive", maintenance.archive, name="archive", rate="visits"),
        web.get("/api/keeping/check", maintenance.check, name="check", rate="visits"),
        web.get("/healthz", health.alive, name="healthz", rate="memory"),
        web.get("/readyz", health.ready, name="readyz", rate="probes"),
        web.get("/metrics", health.metrics, name="metrics", rate="probes"),
    ]
    return [request_limits.limit(route) for route in table]
