/** docs/failpoints.md, made of the table of steps. */

import { FAILPOINT_ACTIONS } from '../../runtime/failpoints.js';
import { STEPS } from '../../runtime/step-names.js';

const MEANINGS: Readonly<Record<(typeof FAILPOINT_ACTIONS)[number], string>> = {
  error: 'the step fails with INTERNAL; with `after`, although its work is done',
  hang: 'the step takes no end; one that `@FILE` named goes on when the file does so no more',
  kill: 'the process ends by SIGKILL: cribd, the keeper for `keeper/`, the unpacker for `unpack/`; it empties `@FILE` first',
  tell: 'nothing but a line on stderr, which the others write too',
};

const HEAD = `# Failpoints

Made of \`runtime/step-names.ts\` by \`npm run docs\`; a test compares. Each step of the pods', containers' and images' operations
has a name. It is that of its span in a trace, and a failpoint: an environment variable of \`crib serve\` makes the
step fail, hang, or be the last of its process. Without the variable a step is a call of its function.

    CRIB_FAILPOINTS=run-pod/network=error,remove-pod/record:after=kill@2 crib serve
    CRIB_FAILPOINTS=@/tmp/failpoints crib serve        # a file that is read anew at each step; it need not be there

An entry is \`NAME[:before|:after]=ACTION[@HIT]\`: \`before\` the work of the step, which is the default, or \`after\` it and
before anything else knows that it was done; \`@2\` is the second time only that the step gets there; \`*\` is every
step. Keeper and unpacker get the variable from cribd. Never for a node that anybody needs.

\`npm run failpoints\` walks through all of them with each action, a client that calls again, and an account of what is left.
`;

export function renderFailpoints(): string {
  const actions = FAILPOINT_ACTIONS.map((action) => `| \`${action}\` | ${MEANINGS[action]} |`);
  const steps = Object.entries(STEPS).map(([name, done]) => `| \`${name}\` | ${done} |`);
  const table = (head: string, rows: readonly string[]) => [head, '| --- | --- |', ...rows].join('\n');
  return `${HEAD}\n${table('| action | |', actions)}\n\n${table('| step | when it is done |', steps)}\n`;
}
