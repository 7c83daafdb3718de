"""Whether a push may be sent now, and what it says: read again before each try.

While a push waits, its message may be deleted, edited or read, its user removed from the room, and
its session end.
"""

from collections.abc import Callable

from chatserver.push.delivery import Contents, Outcome, Push
from chatserver.push.notifications import Notifications
from chatserver.push.wanted import Wants
from chatserver.storage.push_states import Membership, PushRef, PushState, PushStates
from chatserver.storage.push_targets import PushTargets


class PushContents:
    """Writes the contents of pushes by the present state of the database."""

    def __init__(
        self,
        states: PushStates,
        targets: PushTargets,
        notifications: Notifications,
        *,
        wants: Wants,
        is_ended: Callable[[str], bool],
        is_visible: Callable[[int], bool],
    ) -> None:
        """`wants`: which messages notify; `is_visible`: whether a user looks at a page.

        `is_ended`: whether a session has ended and that is not stored yet.
        """
        self._states = states
        self._targets = targets
        self._notifications = notifications
        self._wants = wants
        self._is_ended = is_ended
        self._is_visible = is_visible

    async def of(self, push: Push) -> Contents | Outcome:
        """Return what a push says now, or why it is not sent. Raises Unavailable."""
        if not push.room:
            return await self._of_test(push)
        ref = PushRef(push.key, push.user_id, push.room, push.seqs)
        state = await self._states.find(ref)
        if state is None or self._is_ended(state.owned.target.session_id):
            return Outcome.ENDED
        if self._is_visible(push.user_id):
            return Outcome.READ
        if state.membership is None:
            return Outcome.WITHDRAWN
        return self._of_messages(state, state.membership, last=push.seqs[-1])

    def _of_messages(
        self, state: PushState, membership: Membership, *, last: int
    ) -> Contents | Outcome:
        wanted = self._wants(membership.room, membership.candidate).get(state.owned.target.level)
        if wanted is None:
            is_read = membership.candidate.after >= last
            return Outcome.READ if is_read else Outcome.WITHDRAWN
        body = self._notifications.of_messages(
            wanted, state.owned, badge=state.badge, read=state.read
        )
        return Contents(state.owned, body, wanted.is_call)

    async def _of_test(self, push: Push) -> Contents | Outcome:
        owned = await self._targets.find(push.key)
        if (
            owned is None
            or owned.user_id != push.user_id
            or self._is_ended(owned.target.session_id)
        ):
            return Outcome.ENDED
        return Contents(owned, self._notifications.of_test(owned.target), is_call=True)
