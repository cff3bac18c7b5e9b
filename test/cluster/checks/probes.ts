/** Probes: what the kubelet asks by exec, HTTP and TCP, and what it does with the answers. */

import assert from 'node:assert/strict';
import { type Check, podOf, STAY, sh, started } from '../check.js';
import { containerOf, isReady } from '../manifest.js';

const livenessByExec: Check = {
  name: 'liveness by exec',
  run: async (node) => {
    const pod = await started(node, 'live-exec', {
      containers: [
        {
          script: 'touch /tmp/healthy; exec sleep 3600',
          livenessProbe: { exec: { command: ['cat', '/tmp/healthy'] }, periodSeconds: 1, failureThreshold: 2 },
          terminationMessagePolicy: 'FallbackToLogsOnError',
        },
      ],
    });
    await sh(node, pod, 'rm /tmp/healthy');
    const again = await node.untilPod('live-exec', 'was restarted', (now) => {
      const status = containerOf(now);
      return status?.restartCount === 1 && status.state?.running !== undefined;
    });
    // sleep does not mind SIGTERM: after its grace period it is killed.
    assert.equal(containerOf(again)?.lastState?.terminated?.exitCode, 137);
    await node.removeAndWait('live-exec');
  },
};

const readinessByHttp: Check = {
  name: 'readiness by HTTP',
  run: async (node) => {
    const probe = { httpGet: { path: '/ok', port: 8080 }, periodSeconds: 1, failureThreshold: 1 };
    const spec = { containers: [{ script: 'mkdir /www; exec httpd -f -p 8080 -h /www', readinessProbe: probe }] };
    await node.apply(podOf(node, 'ready-http', spec));
    const pod = await node.untilPod('ready-http', 'runs', (now) => containerOf(now)?.state?.running !== undefined);
    assert.equal(isReady(pod), false);
    await sh(node, pod, 'echo yes >/www/ok');
    await node.untilPod('ready-http', 'is ready', isReady);
    await sh(node, pod, 'rm /www/ok');
    const after = await node.untilPod('ready-http', 'is not ready', (now) => !isReady(now));
    assert.equal(containerOf(after)?.restartCount, 0);
    await node.removeAndWait('ready-http');
  },
};

const startupByTcp: Check = {
  name: 'startup by TCP before liveness by HTTP',
  run: async (node) => {
    const pod = await started(node, 'start-tcp', {
      containers: [
        {
          script: 'sleep 3; exec httpd -f -p 8080 -h /',
          startupProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 60 },
          // Without the startup probe this one would have it killed before it listens.
          livenessProbe: { httpGet: { path: '/NAME', port: 8080 }, periodSeconds: 1, failureThreshold: 1 },
        },
      ],
    });
    const status = containerOf(pod);
    assert.equal(status?.started, true);
    await sh(node, pod, 'sleep 3');
    assert.equal(containerOf((await node.pod('start-tcp')) ?? pod)?.restartCount, 0);
    await node.removeAndWait('start-tcp');
  },
};

const probeTimeout: Check = {
  name: 'a probe by exec that takes too long',
  run: async (node) => {
    const hangs = 'if [ -e /tmp/hang ]; then exec sleep 4321; fi';
    const probe = { exec: { command: ['sh', '-c', hangs] }, periodSeconds: 1, timeoutSeconds: 1, failureThreshold: 2 };
    const pod = await started(node, 'slow-probe', { containers: [{ script: STAY, readinessProbe: probe }] });
    await sh(node, pod, 'touch /tmp/hang');
    await node.untilPod('slow-probe', 'is not ready', (now) => !isReady(now));
    await sh(node, pod, 'sleep 4');
    // Each probe that was given up is killed: none but the one that runs now is there.
    const running = Number(await sh(node, pod, 'ps | grep -c "[s]leep 4321" || true'));
    assert.ok(running <= 2, `${running} probes run`);
    await sh(node, pod, 'rm /tmp/hang');
    await node.untilPod('slow-probe', 'is ready again', isReady);
    await node.removeAndWait('slow-probe');
  },
};

export const PROBES: readonly Check[] = [livenessByExec, readinessByHttp, startupByTcp, probeTimeout];
