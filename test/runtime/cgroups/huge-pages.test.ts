import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hugePagesOf } from '../../../runtime/cgroups/huge-pages.js';
import { controlFiles } from './control-files.js';

const V1 = { usage: 'usage_in_bytes', max: 'max_usage_in_bytes' } as const;
const V2 = { usage: 'current', max: undefined } as const;

test('each page size of the host has its use; reservations and other files are none', (t) => {
  const { root } = controlFiles(t, {
    'hugetlb.2MB.current': '4194304\n',
    'hugetlb.2MB.rsvd.current': '1\n',
    'hugetlb.2MB.max': 'max\n',
    'hugetlb.1GB.current': '0\n',
    'memory.current': '5\n',
  });
  const found = [...hugePagesOf(root, V2)].sort((a, b) => a.pageSize.localeCompare(b.pageSize));
  assert.deepEqual(found, [
    { pageSize: '1GB', usage: 0, maxUsage: undefined },
    { pageSize: '2MB', usage: 4_194_304, maxUsage: undefined },
  ]);
});

test('a cgroup without the controller has none, and does not hide those of the next', (t) => {
  const { root, put } = controlFiles(t, { 'none/cgroup.procs': '' });
  assert.deepEqual(hugePagesOf(`${root}/gone`, V1), []);
  assert.deepEqual(hugePagesOf(`${root}/none`, V1), []);
  put({ 'some/hugetlb.64KB.usage_in_bytes': '65536\n', 'some/hugetlb.64KB.max_usage_in_bytes': '131072\n' });
  assert.deepEqual(hugePagesOf(`${root}/some`, V1), [{ pageSize: '64KB', usage: 65_536, maxUsage: 131_072 }]);
  assert.deepEqual(hugePagesOf(`${root}/none`, V1), [], 'also once the sizes are known');
});
