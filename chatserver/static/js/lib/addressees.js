/** Candidates for mentions: members of the room before other users. A user is {name, display}. */

/** Split `users` into {members, others}. `members`: the members of the room, or null where every user is one. */
export function grouped(users, members) {
  if (members === null) return { members: users, others: [] };
  const names = new Set(members.map(({ name }) => name));
  const known = new Set(users.map(({ name }) => name));
  return {
    members: [...users.filter(({ name }) => names.has(name)), ...members.filter(({ name }) => !known.has(name))],
    others: users.filter(({ name }) => !names.has(name)),
  };
}
