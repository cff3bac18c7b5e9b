/** From a HTTP request to a SPDY session: headers and negotiation as Kubernetes' httpstream has them. */

import { listHeader, refuse, switchProtocols, type UpgradeRequest, wantsUpgradeTo } from '../http.js';

const SPDY = 'SPDY/3.1';
const VERSIONS_HEADER = 'X-Stream-Protocol-Version';

/**
 * Agrees on the first of the client's protocols that is in `supported` and answers 101; undefined after it has
 * answered 400 (no upgrade to SPDY/3.1, no protocol named) or 403 (none in common, with the list of those there are).
 */
export function acceptSpdy<P extends string>(upgrade: UpgradeRequest, supported: readonly P[]): P | undefined {
  const { request, socket, head } = upgrade;
  if (!wantsUpgradeTo(request, SPDY.toLowerCase())) {
    refuse(socket, 400, `unable to upgrade: neither ${SPDY} nor websocket is in the Upgrade header`);
    return undefined;
  }
  const offered = listHeader(request, VERSIONS_HEADER.toLowerCase());
  if (offered.length === 0) {
    refuse(socket, 400, `unable to upgrade: the header ${VERSIONS_HEADER} is missing or empty`);
    return undefined;
  }
  const chosen = offered.flatMap((name) => supported.filter((known) => known === name))[0];
  if (chosen === undefined) {
    const accepted = supported.map((name) => `X-Accepted-Stream-Protocol-Versions: ${name}`);
    const message = `unable to negotiate a protocol: the client offers ${offered.join(', ').slice(0, 200)}; there are ${supported.join(', ')}`;
    refuse(socket, 403, message, accepted);
    return undefined;
  }
  switchProtocols(socket, SPDY, [`${VERSIONS_HEADER}: ${chosen}`]);
  if (head.length > 0) socket.unshift(head);
  return chosen;
}
