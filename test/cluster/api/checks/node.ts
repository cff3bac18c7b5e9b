/** What the cluster is told of the node and of what its runtime can do. */

import assert from 'node:assert/strict';
import type { Check } from '../../check.js';
import { NODE_NAME } from '../../kubelet-config.js';
import { eventually } from '../../wait.js';
import type { ApiCluster } from '../cluster.js';

interface NodeObject {
  readonly status: {
    readonly nodeInfo: { readonly containerRuntimeVersion: string };
    readonly conditions: readonly { readonly type: string; readonly status: string }[];
    readonly features?: { readonly supplementalGroupsPolicy?: boolean };
    readonly runtimeHandlers?: readonly {
      readonly name: string;
      readonly features?: { readonly recursiveReadOnlyMounts?: boolean; readonly userNamespaces?: boolean };
    }[];
  };
}

const ready: Check<ApiCluster> = {
  name: 'the node is ready, and tells of its runtime, its handlers and what they can do',
  run: async ({ kubectl }) => {
    let node: NodeObject | undefined;
    await eventually('the node is ready', async () => {
      node = await kubectl.get<NodeObject>('node', NODE_NAME);
      return node?.status.conditions.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    });
    const { nodeInfo, features, runtimeHandlers = [] } = node?.status ?? {};
    assert.match(nodeInfo?.containerRuntimeVersion ?? '', /^crib:\/\/\d/);
    assert.equal(features?.supplementalGroupsPolicy, true);
    for (const name of ['', 'host', 'runc']) {
      const handler = runtimeHandlers.find((each) => each.name === name);
      assert.deepEqual(
        handler?.features,
        { recursiveReadOnlyMounts: true, userNamespaces: true },
        `handler "${name}" among ${JSON.stringify(runtimeHandlers)}`,
      );
    }
  },
};

export const NODE: readonly Check<ApiCluster>[] = [ready];
