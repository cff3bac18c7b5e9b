import { testIdCall } from '../../support/id-call.js';

await testIdCall({
  asks: 'startContainer',
  field: 'container_id',
  ask: (client, containerId) => client.runtime.startContainer({ containerId }),
});
