"""Route table of the product, made from the operations of the controllers."""

from aiohttp import web

from chatserver.web.accounts import AccountHandlers
from chatserver.web.admin_pages import AdminPages
from chatserver.web.administration import AdministrationHandlers
from chatserver.web.api_docs import ApiDocs
from chatserver.web.bots import BotHandlers
from chatserver.web.catalogue import Catalogues
from chatserver.web.files import FileHandlers
from chatserver.web.health import Health
from chatserver.web.installation import InstallationHandlers
from chatserver.web.invitations import InvitationHandlers
from chatserver.web.messages import MessageHandlers
from chatserver.web.notifications import NotificationHandlers
from chatserver.web.operations import operations
from chatserver.web.operator import OperatorHandlers
from chatserver.web.pages import Pages
from chatserver.web.profile_pictures import ProfilePictureHandlers
from chatserver.web.push import PushHandlers
from chatserver.web.rates import RequestLimits
from chatserver.web.rooms import RoomHandlers
from chatserver.web.server_profile import ServerProfileHandlers
from chatserver.web.storage_administration import StorageHandlers
from chatserver.web.tus import TusHandlers
from chatserver.web.unread import UnreadHandlers
from chatserver.web.websocket.endpoint import WebSocketEndpoint

CONTROLLERS: tuple[type, ...] = (  # in the order of the descriptions
    Pages,
    AccountHandlers,
    ProfilePictureHandlers,
    RoomHandlers,
    MessageHandlers,
    UnreadHandlers,
    FileHandlers,
    TusHandlers,
    NotificationHandlers,
    PushHandlers,
    BotHandlers,
    InvitationHandlers,
    AdministrationHandlers,
    ServerProfileHandlers,
    StorageHandlers,
    OperatorHandlers,
    ApiDocs,
    Health,
    AdminPages,
    Catalogues,
    InstallationHandlers,
    WebSocketEndpoint,
)
OPERATIONS = [found for found in operations(CONTROLLERS) if found.documented]


def routes(controllers: list[object], limits: RequestLimits) -> list[web.RouteDef]:
    """Return the routes of these controllers, with their rates applied."""
    return [
        limits.limit(found, getattr(controller, found.handler))
        for controller in controllers
        for found in operations([type(controller)])
    ]
