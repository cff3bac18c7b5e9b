import { testIdCall } from '../../support/id-call.js';

await testIdCall({
  asks: 'removeContainer',
  field: 'container_id',
  ask: (client, containerId) => client.runtime.removeContainer({ containerId }),
});
