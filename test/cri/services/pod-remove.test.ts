import { testIdCall } from '../../support/id-call.js';

await testIdCall({
  asks: 'removePod',
  field: 'pod_sandbox_id',
  ask: (client, podSandboxId) => client.runtime.removePodSandbox({ podSandboxId }),
});
