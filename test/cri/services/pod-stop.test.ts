import { testIdCall } from '../../support/id-call.js';

await testIdCall({
  asks: 'stopPod',
  field: 'pod_sandbox_id',
  ask: (client, podSandboxId) => client.runtime.stopPodSandbox({ podSandboxId }),
});
