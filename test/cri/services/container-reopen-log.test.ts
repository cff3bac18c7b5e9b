import { testIdCall } from '../../support/id-call.js';

await testIdCall({
  asks: 'reopenContainerLog',
  field: 'container_id',
  ask: (client, containerId) => client.runtime.reopenContainerLog({ containerId }),
});
