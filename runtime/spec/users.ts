/** Who a container runs as: the CRI's run_as_*, else the image's USER, looked up in the image's own accounts. */

import type { ContainerSecurity } from '../containers/config.js';
import { CribError } from '../errors.js';
import { type Accounts, type GroupEntry, MAX_ID, type PasswdEntry, parseId, readAccounts } from './accounts.js';
import { checkInteger, invalid } from './checks.js';
import type { ResolvedUser } from './types.js';

const FIELD = 'config.linux.security_context';

/** A user and a group as they were named, and by which field. */
interface Named {
  readonly user: string;
  /** Empty: the user's own group. */
  readonly group: string;
  readonly field: string;
}

/**
 * Resolves inside the mounted root file system. `imageUser` is `name|uid[:group|gid]` (image-spec config.md). A uid that
 * the image does not know has gid 0, as CRI and Docker have it. The additional groups hold the primary one too.
 *
 * Throws INVALID_ARGUMENT for a group without a user or an id out of range, NOT_FOUND for a name that the image does
 * not know, FAILED_PRECONDITION for accounts that cannot be read.
 */
export async function resolveUser(
  rootfs: string,
  security: ContainerSecurity,
  imageUser: string,
): Promise<ResolvedUser> {
  const named = nameUser(security, imageUser);
  const supplemental = security.supplementalGroups.map((gid, index) =>
    checkInteger(`${FIELD}.supplemental_groups[${index}]`, gid, 0, MAX_ID),
  );
  return lookUp(await readAccounts(rootfs), named, supplemental, security.supplementalGroupsPolicy);
}

/** A name wins over a uid (CRI LinuxContainerSecurityContext). */
function nameUser(security: ContainerSecurity, imageUser: string): Named {
  const { runAsUser, runAsGroup, runAsUsername } = security;
  const uid = runAsUser === undefined ? '' : String(checkInteger(`${FIELD}.run_as_user`, runAsUser, 0, MAX_ID));
  const group = runAsGroup === undefined ? '' : String(checkInteger(`${FIELD}.run_as_group`, runAsGroup, 0, MAX_ID));
  if (runAsUsername !== '') return { user: runAsUsername, group, field: `${FIELD}.run_as_username` };
  if (uid !== '') return { user: uid, group, field: `${FIELD}.run_as_user` };
  if (group !== '') {
    throw invalid(`${FIELD}.run_as_group`, `${group} is set without run_as_user or run_as_username`);
  }
  const [user = '', imageGroup = '', ...rest] = imageUser.split(':');
  if (rest.length > 0) throw new CribError('FAILED_PRECONDITION', `the image's USER ${imageUser} is not user[:group]`);
  return { user, group: imageGroup, field: "the image's USER" };
}

function lookUp(
  accounts: Accounts,
  named: Named,
  supplemental: readonly number[],
  policy: 'merge' | 'strict',
): ResolvedUser {
  const { uid, entry } = findUser(accounts.users, named);
  const gid = named.group === '' ? (entry?.gid ?? 0) : findGroup(accounts.groups, named);
  const own = policy === 'merge' && entry !== undefined ? groupsOf(accounts.groups, entry.name) : [];
  const additionalGids = [...new Set([gid, ...own, ...supplemental])].sort((a, b) => a - b);
  for (const id of [uid, ...additionalGids]) checkInteger(`${named.field}: id`, id, 0, MAX_ID);
  const home = entry?.home.startsWith('/') === true ? entry.home : '/';
  return { uid, gid, additionalGids, home };
}

/** An empty name is root. A numeric one is a uid, also where a user has that name (Docker, containerd). */
function findUser(users: readonly PasswdEntry[], named: Named): { uid: number; entry: PasswdEntry | undefined } {
  const uid = parseId(named.user === '' ? '0' : named.user);
  if (uid !== undefined) return { uid, entry: users.find((user) => user.uid === uid) };
  const entry = users.find((user) => user.name === named.user);
  if (entry !== undefined) return { uid: entry.uid, entry };
  throw new CribError('NOT_FOUND', `${named.field}: the image's /etc/passwd has no user ${JSON.stringify(named.user)}`);
}

function findGroup(groups: readonly GroupEntry[], named: Named): number {
  const gid = parseId(named.group) ?? groups.find((group) => group.name === named.group)?.gid;
  if (gid !== undefined) return gid;
  throw new CribError(
    'NOT_FOUND',
    `${named.field}: the image's /etc/group has no group ${JSON.stringify(named.group)}`,
  );
}

function groupsOf(groups: readonly GroupEntry[], user: string): number[] {
  return groups.filter((group) => group.members.includes(user)).map((group) => group.gid);
}
